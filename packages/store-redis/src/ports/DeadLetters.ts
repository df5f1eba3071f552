import { DeadLetters } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import type { Argument } from "../Link.ts"
import { changeAll, changeOfEvents, lettersAtOnce, numbersBelow, put, putUrgently } from "../letterScripts.ts"
import { inPieces } from "../pieces.ts"
import { list, number, pairs, text } from "../reply.ts"
import { finite } from "../Script.ts"
import { decode, encode } from "../text.ts"

/** What stands behind the lines that scripts read. */
type Rest = Omit<DeadLetters.DeadLetter, "deadAt" | "replayedAt" | "destination" | "eventId">

const toParameters = (letter: DeadLetters.DeadLetter): ReadonlyArray<Argument> => {
  const { reason, message, status, receivedAt, eventName, event } = letter
  const rest: Rest = { reason, message, status, receivedAt, eventName, event }
  return [
    letter.deadAt,
    DeadLetters.sizeOf(letter),
    letter.replayedAt ?? "",
    encode(letter.destination),
    encode(letter.eventId),
    JSON.stringify(rest),
  ]
}

const toLetter = (stored: string): DeadLetters.DeadLetter => {
  const [deadAt = "", , replayedAt = "", destination = '""', eventId = '""', rest = "{}"] = stored.split("\n")
  return {
    ...(JSON.parse(rest) as Rest),
    destination: decode(destination),
    eventId: decode(eventId),
    deadAt: Number(deadAt),
    replayedAt: replayedAt === "" ? null : Number(replayedAt),
  }
}

export const deadLetters = (connection: Connection): DeadLetters.DeadLetters["Service"] => {
  const { keys } = connection
  const all = [
    keys.letters,
    keys.letterOrder,
    keys.lettersByEvent,
    keys.lettersByDestination,
    keys.letterCounts,
    keys.letterTotals,
  ]

  const putSome = async (letters: ReadonlyArray<DeadLetters.DeadLetter>, oldest: number): Promise<void> => {
    const isOfIntake = letters.every(({ destination }) => destination === DeadLetters.intake)
    const parameters = [oldest, ...letters.flatMap(toParameters)]
    const isMore = await connection.run(isOfIntake ? put : putUrgently, all, parameters)
    if (isMore === 1) await putSome([], oldest)
  }

  const page = async ({
    destination,
    limit = 100,
    after,
  }: DeadLetters.DeadLetterQuery): Promise<DeadLetters.DeadLetterPage> => {
    const wanted = destination === undefined ? "" : encode(destination)
    const below = finite(DeadLetters.below(after))
    // One more than asked for tells whether there is a next page.
    const most = finite(limit) + 1
    const found = list(await connection.run(numbersBelow, all, [wanted, below, most])).map(text)
    const shown = found.slice(0, limit)
    const letters: Array<DeadLetters.DeadLetter> = []
    for (const some of inPieces(shown, lettersAtOnce)) {
      for (const stored of list(await connection.read("HMGET", [keys.letters, ...some]))) {
        // Purged, or put anew, since.
        if (stored !== null) letters.push(toLetter(text(stored)))
      }
    }
    return { letters, next: found.length > limit ? String(Number(shown.at(-1) ?? below)) : null }
  }

  /** In pieces, between which others get their turn. Returns how many letters it was done to. */
  const change = async (
    action: "mark" | "purge",
    { destination, eventIds, before }: DeadLetters.DeadLetterSelection,
    at = 0,
  ): Promise<number> => {
    const wanted = destination === undefined ? "" : encode(destination)
    const parameters = [action, at, wanted, finite(before ?? Number.POSITIVE_INFINITY)]
    let changed = 0
    if (eventIds !== undefined) {
      for (const some of inPieces([...new Set(eventIds)], lettersAtOnce)) {
        const [count] = list(await connection.run(changeOfEvents, all, [...parameters, ...some.map(encode)]))
        changed += number(count)
      }
      return changed
    }
    for (let after: number | null = 0; after !== null; ) {
      const [count, next = null] = list(await connection.run(changeAll, all, [...parameters, after]))
      changed += number(count)
      after = next === null ? null : number(next)
    }
    return changed
  }

  return {
    put: (letters) =>
      Effect.clockWith((clock) =>
        fromPromise(async () => {
          const oldest = clock.currentTimeMillisUnsafe() - DeadLetters.limits.maxAge
          for (const some of inPieces(letters, lettersAtOnce)) await putSome(some, oldest)
        }),
      ),

    list: (query) => fromPromise(() => page(query)),

    count: fromPromise(
      async () =>
        new Map(
          pairs(await connection.read("HGETALL", [keys.letterCounts])).map(([destination, count]) => [
            decode(destination),
            number(count),
          ]),
        ),
    ),

    markReplayed: (selection, at) => fromPromise(() => change("mark", selection, at)),
    purge: (selection) => fromPromise(() => change("purge", selection)),
  }
}
