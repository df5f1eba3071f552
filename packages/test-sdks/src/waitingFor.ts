/** What a name is compared with: itself, or a pattern. */
export type Named = string | RegExp

interface Event {
  readonly eventName: string
}

const isNamed = (named: Named | undefined, name: string): boolean =>
  named === undefined || (typeof named === "string" ? named === name : named.test(name))

/** Lets callers wait for events that arrive in a list. */
export const waitingFor = (events: () => ReadonlyArray<Event>) => {
  const waiting = new Set<() => void>()
  return {
    arrived: (): void => {
      for (const look of [...waiting]) look()
    },
    /** Resolves once this many events have arrived, of a name if one is given. */
    until: (count: number, named?: Named): Promise<void> =>
      new Promise((resolve) => {
        const look = () => {
          if (events().filter(({ eventName }) => isNamed(named, eventName)).length < count) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}
