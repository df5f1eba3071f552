/**
 * Gives each one a turn, round after round, and begins each round with another one. Other work on
 * the machine, and what one leaves behind for the next, then meets them all.
 */
export const turns = async <Name extends string, A>(
  names: ReadonlyArray<Name>,
  rounds: number,
  turn: (name: Name, round: number) => Promise<A>,
): Promise<Readonly<Record<Name, ReadonlyArray<A>>>> => {
  const results = Object.fromEntries(names.map((name) => [name, [] as Array<A>])) as Record<Name, Array<A>>
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < names.length; place++) {
      const name = names[(round + place) % names.length]!
      results[name].push(await turn(name, round))
    }
  }
  return results
}
