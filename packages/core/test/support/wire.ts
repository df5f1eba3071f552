import * as Result from "effect/Result"
import * as Entry from "../../src/entry/Entry.ts"
import * as Wire from "../../src/intake/Wire.ts"
import type { NewEntry } from "../../src/ports/EventLog.ts"

export const limits: Wire.WireLimits = {
  bodyBytes: 10_000_000,
  events: 10_000,
  nesting: 64,
  sentBytes: 32 * 1024 * 1024,
}

export const id = "000102030405060708090a0b0c0d0e0f"

export const receivedAt = 1_795_296_100_000

/** A request of plain HTTP to `/v1/log_event`, with a clock that agrees with ours. */
export const plainHttp: Wire.WireHead = {
  dialect: "log_event",
  validation: "auto",
  receivedAt,
  clientTimeHeader: String(receivedAt),
  clientTimeQuery: null,
  sdkType: null,
  sdkVersion: null,
  sessionID: null,
  keyId: null,
}

export const sdk: Wire.WireHead = { ...plainHttp, sdkType: "py-server", sdkVersion: "0.71.6" }

export const webhook: Wire.WireHead = { ...plainHttp, dialect: "event_webhook", clientTimeHeader: null }

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

export const decodeText = (head: Wire.WireHead, text: string) => Wire.decode(head, bytesOf(text), id, limits)

export const decodeJson = (head: Wire.WireHead, body: unknown) => decodeText(head, JSON.stringify(body))

export const accepted = (result: Result.Result<Wire.Accepted, Wire.Refused>): Wire.Accepted => {
  if (Result.isFailure(result)) throw new Error(`refused: ${result.failure.message}`)
  return result.success
}

export const refused = (result: Result.Result<Wire.Accepted, Wire.Refused>): Wire.Refused => {
  if (Result.isSuccess(result)) throw new Error("accepted")
  return result.failure
}

export const entryOf = (result: Result.Result<Wire.Accepted, Wire.Refused>): NewEntry => {
  const { entry } = accepted(result)
  if (entry === null) throw new Error("nothing accepted")
  return entry
}

export const read = (entry: NewEntry): Entry.DecodedEntry => {
  const result = Entry.decode(entry)
  if (Result.isFailure(result)) throw new Error(result.failure.message)
  return result.success
}

/**
 * Events are read where they are written: as plain objects they can be compared, without their
 * numbers' texts.
 */
export const plain = ({
  exactStatsigMetadata: _,
  sender: _s,
  rawAt: _r,
  ...entry
}: Entry.DecodedEntry): Entry.DecodedEntry => ({
  ...entry,
  events: entry.events.map(({ eventName, user, time, value, metadata, statsigMetadata, timeUUID }) => ({
    ...{ eventName, user, time, value, metadata, statsigMetadata },
    ...(timeUUID === undefined ? {} : { timeUUID }),
  })),
})

/** From the wire to what every reader sees. */
export const through = (head: Wire.WireHead, body: unknown): Entry.DecodedEntry =>
  plain(read(entryOf(decodeJson(head, body))))
