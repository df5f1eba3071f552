import { useEffect, useRef } from "preact/hooks"

interface TriCheckProps {
  readonly label: string
  readonly state: "all" | "some" | "none"
  readonly onFlip: (isOn: boolean) => void
}

/** A check-box for many: ticked for all of them, half for some. */
export const TriCheck = ({ label, state, onFlip }: TriCheckProps) => {
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => {
    box.current!.indeterminate = state === "some"
  }, [state])
  return (
    <input
      ref={box}
      type="checkbox"
      aria-label={label}
      checked={state === "all"}
      onChange={(event) => onFlip(event.currentTarget.checked)}
    />
  )
}
