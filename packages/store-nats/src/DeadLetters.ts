import { Buffer } from "node:buffer"
import type { DeadLetters, StoreError } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { type IndexedLetter, type LetterChange, LetterIndex, perMessage, summaryOf } from "./LetterIndex.ts"
import { readJson, type Stream } from "./Stream.ts"

/** Marks a message that holds a part of a letter too large for one. */
const partHeader = "Millrace-Part"

/** After so many ms nothing more comes of a part. */
const patience = 10 * 60_000

/** Messages read at once. */
const window = 16

/** Puts after which the stream is rid of what no letter needs any more. */
const putsBetweenSweeps = 256

/** Ids in one change. */
const idsPerChange = 10_000

type JsonLetter = readonly [letter: DeadLetters.DeadLetter, json: Buffer]

/** In as few messages as they fit, in their order; one that fits none is alone. */
const divide = (
  letters: ReadonlyArray<JsonLetter>,
  maxBytes: number,
): ReadonlyArray<ReadonlyArray<JsonLetter>> => {
  const groups: Array<Array<JsonLetter>> = []
  let group: Array<JsonLetter> = []
  let bytes = 0
  for (const letter of letters) {
    const size = letter[1].byteLength + 1
    if (group.length > 0 && (bytes + size > maxBytes || group.length >= perMessage - 1)) {
      groups.push(group)
      group = []
      bytes = 0
    }
    group.push(letter)
    bytes += size
  }
  return group.length > 0 ? [...groups, group] : groups
}

/** A selection of many ids as selections of few. */
const selections = (
  selection: DeadLetters.DeadLetterSelection,
): ReadonlyArray<DeadLetters.DeadLetterSelection> => {
  const { eventIds } = selection
  if (eventIds === undefined) return [selection]
  const ids = [...new Set(eventIds)]
  return Array.from({ length: Math.ceil(ids.length / idsPerChange) }, (_, part) => ({
    ...selection,
    eventIds: ids.slice(part * idsPerChange, (part + 1) * idsPerChange),
  }))
}

/**
 * A stream of changes. Writing one takes no look at what is there; whoever asks goes through those
 * that came since last time, and then knows where each letter is.
 *
 * @param maxPayload of a message, in bytes
 */
export const make = (
  stream: Stream,
  subject: string,
  maxPayload: () => number,
): DeadLetters.DeadLetters["Service"] => {
  let index = new LetterIndex()
  const alone = Semaphore.makeUnsafe(1)
  let known = 0
  let puts = 0
  let sweptBefore = 1
  /** Parts whose letter is still to come, with the time of their writing. */
  const loose = new Map<number, number>()

  const publish = (change: LetterChange) =>
    Effect.map(stream.publish({ subject, data: Buffer.from(JSON.stringify(change)) }), (seq) => seq ?? 0)

  const room = (): number => maxPayload() - 1024

  /** Goes through what is new up to a number, and returns what the change of that number met. */
  const follow = Effect.fnUntraced(function* (to: number) {
    let met = 0
    while (known < to) {
      const numbers = Array.from({ length: Math.min(window, to - known) }, (_, next) => known + 1 + next)
      for (const message of yield* Effect.forEach(numbers, stream.get, { concurrency: window })) {
        if (message === null) continue
        if (message.header(partHeader) !== undefined) {
          loose.set(message.seq, message.time)
          continue
        }
        for (const [seq, time] of loose) if (time < message.time - patience) loose.delete(seq)
        const change = yield* readJson<LetterChange>(message)
        if (change.kind === "put-large") for (const part of change.parts) loose.delete(part)
        met = index.apply(change, message.seq)
      }
      known = numbers.at(-1) ?? known
    }
    return met
  })

  const catchUp = Effect.gen(function* () {
    const { first_seq, last_seq } = yield* stream.state
    // The server has come back with less than it had given.
    if (last_seq < known) {
      index = new LetterIndex()
      loose.clear()
      known = 0
      sweptBefore = 1
    }
    // What others have dropped was of no letter that is left.
    if (known < first_seq - 1) {
      known = first_seq - 1
      index.forgetBefore(first_seq)
    }
    yield* follow(last_seq)
  })

  const sweep = Effect.gen(function* () {
    const before = Math.min(index.first ?? known + 1, ...loose.keys())
    if (before <= sweptBefore) return
    yield* stream.purgeBefore(before)
    sweptBefore = before
  })

  /** Changes what is there, and tells how many letters that met. */
  const change = Effect.fnUntraced(function* (
    selection: DeadLetters.DeadLetterSelection,
    of: (selection: DeadLetters.DeadLetterSelection) => LetterChange,
  ) {
    yield* catchUp
    let met = 0
    for (const some of selections(selection)) met += yield* follow(yield* publish(of(some)))
    yield* sweep
    return met
  })

  const putLarge = Effect.fnUntraced(function* (letter: DeadLetters.DeadLetter, json: Buffer, at: number) {
    const parts: Array<number> = []
    for (let offset = 0; offset < json.byteLength; offset += room()) {
      const data = json.subarray(offset, offset + room())
      parts.push((yield* stream.publish({ subject, data, headers: { [partHeader]: "1" } })) ?? 0)
    }
    yield* publish({ kind: "put-large", at, parts, entry: summaryOf(letter) })
  })

  const put = Effect.fnUntraced(function* (letters: ReadonlyArray<DeadLetters.DeadLetter>) {
    if (letters.length === 0) return
    const at = yield* Clock.currentTimeMillis
    const json = letters.map((letter): JsonLetter => [letter, Buffer.from(JSON.stringify(letter))])
    for (const group of divide(json, room() - 256)) {
      const [first] = group
      if (group.length === 1 && first !== undefined && first[1].byteLength > room() - 256) {
        yield* putLarge(...first, at)
      } else {
        yield* publish({ kind: "put", at, letters: group.map(([letter]) => letter) })
      }
    }
    puts += 1
    if (puts % putsBetweenSweeps === 0) yield* alone.withPermits(1)(Effect.andThen(catchUp, sweep))
  })

  /** Nothing when another process has removed it a moment ago. */
  const readLarge = Effect.fnUntraced(function* (parts: ReadonlyArray<number>) {
    const found = yield* Effect.forEach(parts, stream.get, { concurrency: window })
    const data = found.flatMap((message) => (message === null ? [] : [message.data]))
    return data.length < parts.length
      ? []
      : [JSON.parse(Buffer.concat(data).toString()) as DeadLetters.DeadLetter]
  })

  /** The letters of one message. Nothing, likewise. */
  const readMessage = Effect.fnUntraced(function* (
    seq: number,
  ): Effect.fn.Return<ReadonlyArray<DeadLetters.DeadLetter>, StoreError> {
    const message = yield* stream.get(seq)
    if (message === null) return []
    const found = yield* readJson<LetterChange>(message)
    switch (found.kind) {
      case "put":
        return found.letters
      case "put-large":
        return yield* readLarge(found.parts)
      case "mark":
      case "purge":
        return []
    }
  })

  const readLetters = Effect.fnUntraced(function* (page: ReadonlyArray<IndexedLetter>) {
    const seqs = [...new Set(page.map(({ seq }) => seq))]
    const messages = yield* Effect.forEach(
      seqs,
      (seq) => Effect.map(readMessage(seq), (letters) => [seq, letters] as const),
      { concurrency: window },
    )
    const bySeq = new Map(messages)
    return page.flatMap(({ seq, index: place, replayedAt }) => {
      const letter = bySeq.get(seq)?.[place]
      return letter === undefined ? [] : [{ ...letter, replayedAt }]
    })
  })

  const caughtUp = alone.withPermits(1)(catchUp)

  return {
    put,
    list: Effect.fnUntraced(function* (query) {
      yield* caughtUp
      const { limit = 100 } = query
      const found = index.page(query)
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return {
        letters: yield* readLetters(page),
        next: found.length > limit && last !== undefined ? String(last.order) : null,
      }
    }),
    count: Effect.map(caughtUp, () => index.counts()),
    markReplayed: (selection, at) =>
      alone.withPermits(1)(change(selection, (some) => ({ kind: "mark", at, selection: some }))),
    purge: (selection) =>
      alone.withPermits(1)(change(selection, (some) => ({ kind: "purge", selection: some }))),
  }
}
