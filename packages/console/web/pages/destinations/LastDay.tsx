import { useEffect, useRef, useState } from "preact/hooks"
import { call } from "../../api/call.ts"
import { DayStrip } from "../../parts/Spark.tsx"
import { plural, sum } from "../../text/numbers.ts"

interface Day {
  readonly ok: ReadonlyArray<number>
  readonly failed: ReadonlyArray<number>
}

/** Days that were loaded, by destination, and when: going back and forth asks for nothing twice. */
const loaded = new Map<string, { readonly at: number; readonly day: Day }>()

/** A day in bars of 15 minutes is as good as new for so long, in ms. */
const freshFor = 5 * 60_000

const load = async (id: string): Promise<Day | null> => {
  const before = loaded.get(id)
  if (before !== undefined && Date.now() - before.at < freshFor) return before.day
  const reply = await call("destinations/history", { id, range: "24h" })
  if (!reply.ok) return null
  const numbers = (column: ReadonlyArray<number | null>) => column.map((value) => value ?? 0)
  const day = { ok: numbers(reply.value.delivered), failed: numbers(reply.value.failed) }
  loaded.set(id, { at: Date.now(), day })
  return day
}

/** The last day of a destination, loaded once its row is seen: a thousand rows ask for few. */
export const LastDay = ({ id }: { readonly id: string }) => {
  const box = useRef<HTMLDivElement>(null)
  const [day, show] = useState<Day | null>(null)
  useEffect(() => {
    let isThere = true
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return
      observer.disconnect()
      void load(id).then((found) => {
        if (isThere && found !== null) show(found)
      })
    })
    observer.observe(box.current!)
    return () => {
      isThere = false
      observer.disconnect()
    }
  }, [id])
  return (
    <div ref={box} class="last-day">
      {day !== null && (
        <DayStrip {...day} label={`Last 24 hours: ${plural(sum(day.failed), "failed attempt")}`} />
      )}
    </div>
  )
}
