import type { RefObject } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"

/** How broad an element is at present; 0 before it is known, and where it is not shown. */
export const useWidth = <E extends HTMLElement>(): readonly [RefObject<E | null>, number] => {
  const box = useRef<E>(null)
  const [width, set] = useState(0)
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => set(Math.floor(entry!.contentRect.width)))
    observer.observe(box.current!)
    return () => observer.disconnect()
  }, [])
  return [box, width]
}
