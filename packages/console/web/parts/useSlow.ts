import { useEffect, useState } from "preact/hooks"

/** Nothing is shown for so long, in ms: most answers are there by then, and nothing flickers. */
export const patience = 300

/** Says when something has taken so long that grey lines help. */
export const useSlow = (): boolean => {
  const [isSlow, set] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => set(true), patience)
    return () => clearTimeout(timer)
  }, [])
  return isSlow
}
