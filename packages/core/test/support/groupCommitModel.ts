import fc from "fast-check"

export interface Item {
  readonly id: number
  /** No group has two of one key. */
  readonly key: number
  readonly entries: number
  readonly bytes: number
}

export type Step =
  | { readonly do: "ask"; readonly items: ReadonlyArray<Omit<Item, "id">> }
  | { readonly do: "end"; readonly which: number; readonly how: "each" | "whole" | "short" }
  | { readonly do: "interrupt"; readonly which: number }
  | { readonly do: "pass"; readonly millis: number }
  | { readonly do: "refuse" | "close" | "stop" }

const weights = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ entries: 0, bytes: 0 }) },
  {
    weight: 6,
    arbitrary: fc.record({ entries: fc.integer({ min: 1, max: 4 }), bytes: fc.nat({ max: 60 }) }),
  },
)

export const steps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .array(
          fc
            .record({ key: fc.nat({ max: 9 }), weight: weights })
            .map(({ key, weight }) => ({ key, ...weight })),
          { minLength: 1, maxLength: 5 },
        )
        .map((items) => ({ do: "ask", items }) as const),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("end" as const),
        which: fc.nat(3),
        how: fc.constantFrom("each", "each", "whole", "short"),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("interrupt" as const), which: fc.nat(30) }) },
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant("pass" as const), millis: fc.integer({ min: 1, max: 150 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("refuse", "refuse", "close", "stop") }) },
  ),
  { maxLength: 30 },
)

export const settings = fc.record({
  writes: fc.integer({ min: 1, max: 3 }),
  besideFrom: fc.constantFrom(0, 30),
  turns: fc.constantFrom(1, 2),
  isEager: fc.boolean(),
  patience: fc.constantFrom(undefined, 100, 100),
  limits: fc.record({ entries: fc.integer({ min: 1, max: 8 }), bytes: fc.integer({ min: 1, max: 120 }) }),
  room: fc.constantFrom(80, 200, 1_000),
  isKeyed: fc.boolean(),
})

type Settings = typeof settings extends fc.Arbitrary<infer A> ? A : never

/** The same, the plain way: one list of all, looked through for everything. */
export const makeModel = ({ writes, besideFrom, patience, limits, room, isKeyed }: Settings) => {
  const all: Array<
    Item & { at: number; place: "waiting" | "under way" | "gone"; end: number | string | null }
  > = []
  const groups: Array<{ readonly ids: ReadonlyArray<number>; readonly since: number; isOver: boolean }> = []
  let now = 0
  let isClosed = false
  const running = () => groups.filter(({ isOver }) => !isOver)
  const bytesOf = (items: ReadonlyArray<Item>) => items.reduce((sum, { bytes }) => sum + bytes, 0)
  const at = (place: string) => all.filter((one) => one.place === place)
  const isLight = ({ entries, bytes }: Item) => entries === 0 && bytes === 0
  const settle = (one: (typeof all)[number], end: number | string) => {
    one.end ??= end
    if (one.place === "waiting") one.place = "gone"
  }
  const begin = () => {
    for (;;) {
      const waiting = at("waiting")
      if (waiting.length === 0 || running().length >= writes) return
      if (running().length > 0 && bytesOf(waiting) < besideFrom) return
      const group = waiting.filter(isLight)
      const heavy: typeof group = []
      for (const one of waiting.filter((one) => !isLight(one))) {
        const next = [...heavy, one]
        const isLarge =
          next.reduce((sum, { entries }) => sum + entries, 0) > limits.entries || bytesOf(next) > limits.bytes
        if (heavy.length > 0 && isLarge) break
        if (isKeyed && heavy.some(({ key }) => key === one.key)) break
        heavy.push(one)
      }
      for (const one of [...group, ...heavy]) one.place = "under way"
      groups.push({ ids: [...group, ...heavy].map(({ id }) => id), since: now, isOver: false })
    }
  }
  return {
    groups,
    running,
    ends: () => all.map(({ end }) => end),
    unanswered: () => all.filter(({ end }) => end === null),
    ask: (items: ReadonlyArray<Item>) => {
      for (const item of items) {
        const held = bytesOf([...at("waiting"), ...at("under way")])
        const isHanging = patience !== undefined && running().some(({ since }) => now - since >= patience)
        const refusal = isClosed
          ? "Closed"
          : isHanging || (held > 0 && held + item.bytes > room)
            ? "Unavailable"
            : null
        all.push({ ...item, at: now, place: refusal === null ? "waiting" : "gone", end: refusal })
      }
      begin()
    },
    end: (group: (typeof groups)[number], how: "each" | "whole" | "short") => {
      group.isOver = true
      for (const [index, id] of group.ids.entries()) {
        const one = all[id]!
        one.place = "gone"
        const isLost = how === "short" && index === group.ids.length - 1
        one.end ??= how === "whole" ? "Corrupt" : isLost ? "defect" : id % 3 === 0 ? "Full" : id
      }
      begin()
    },
    interrupt: (id: number) => {
      const one = all[id]
      if (one?.end === null) settle(one, "interrupted")
    },
    pass: (millis: number) => {
      now += millis
      if (patience === undefined) return
      for (const one of all) if (one.end === null && one.at + patience <= now) settle(one, "Unavailable")
    },
    refuse: () => {
      for (const one of at("waiting")) settle(one, "ReadOnly")
    },
    close: () => {
      isClosed = true
    },
    stop: () => {
      isClosed = true
      for (const one of all) if (one.end === null) settle(one, "Closed")
      for (const group of groups) group.isOver = true
      for (const one of at("under way")) one.place = "gone"
    },
  }
}
