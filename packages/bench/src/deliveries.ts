import type { StoreName } from "./contestants/millrace.ts"
import { contestantCore, driverCore, type Running, start, type Usage } from "./processes.ts"
import type { BareLoopAbilities, BareLoopOptions } from "./programs/bareLoop.ts"
import type { DelivererAbilities, DelivererOptions } from "./programs/deliverer.ts"
import type { SinkAbilities } from "./programs/sink.ts"

/** What one turn of a sender came to. */
export interface Sent {
  readonly eventsPerSecond: number
  /** Microseconds of the sender's process. */
  readonly cpuPerEvent: number
}

/** One that sends events to a sink of its own. */
export interface Sender {
  /** @param events whole batches of them */
  readonly send: (events: number) => Promise<Sent>
  /** A batch as it was sent, as JSON. */
  readonly sample: string
  readonly stop: () => Promise<void>
}

interface Sending {
  readonly sink: Running<SinkAbilities>
  readonly usage: () => Promise<Usage>
  readonly begin: (events: number) => Promise<void>
}

/**
 * Measures from the first step to the arrival of the last event. Work after that is not counted.
 */
const measure = async (
  { sink, usage, begin }: Sending,
  events: number,
  eventBytes: number,
): Promise<Sent> => {
  const arrival = sink.ask("arrival", events * eventBytes)
  const before = await usage()
  const startedAt = await sink.ask("now")
  const begun = begin(events)
  const arrivedAt = await arrival
  const after = await usage()
  await begun
  return {
    eventsPerSecond: (events / (arrivedAt - startedAt)) * 1000,
    cpuPerEvent: (after.cpu - before.cpu) / events,
  }
}

const startSink = async () => {
  const sink = await start<SinkAbilities>("sink", driverCore)
  return { sink, url: `http://127.0.0.1:${await sink.ask("port")}/` }
}

/** Bytes of each event and of what stands after it, in a batch of events of the same length. */
export const eventBytesOf = (batch: string): number => {
  const bytes = (Buffer.byteLength(batch) - 1) / (JSON.parse(batch) as ReadonlyArray<unknown>).length
  if (!Number.isInteger(bytes)) throw new Error("the events are not of the same length")
  return bytes
}

/** Millrace, with everything that is to be sent in its store before it begins. */
export const millraceSender = async (
  store: StoreName,
  maxEvents: number,
  compress: "gzip" | null = null,
): Promise<Sender> => {
  const { sink, url } = await startSink()
  const millrace = await start<DelivererAbilities>("deliverer", contestantCore, {
    store,
    url,
    maxEvents,
    compress,
  } satisfies DelivererOptions)
  const sending: Sending = {
    sink,
    usage: () => millrace.ask("usage"),
    begin: () => millrace.ask("enable"),
  }
  await millrace.ask("fill", maxEvents)
  await millrace.ask("enable")
  const sample = await sink.ask("sample")
  const eventBytes = eventBytesOf(sample)
  await sink.ask("arrival", maxEvents * eventBytes)
  await millrace.ask("disable")
  return {
    sample,
    send: async (events) => {
      await millrace.ask("fill", events)
      const sent = await measure(sending, events, eventBytes)
      await millrace.ask("disable")
      return sent
    },
    stop: async () => {
      await millrace.stop()
      await sink.stop()
    },
  }
}

/** A loop of `JSON.stringify` and undici that sends the same batch again and again. */
export const bareSender = async (sample: string): Promise<Sender> => {
  const { sink, url } = await startSink()
  const loop = await start<BareLoopAbilities>("bareLoop", contestantCore, { url } satisfies BareLoopOptions)
  await loop.ask("load", sample)
  const batch = (JSON.parse(sample) as ReadonlyArray<unknown>).length
  const sending: Sending = {
    sink,
    usage: () => loop.ask("usage"),
    begin: (events) => loop.ask("send", events / batch),
  }
  return {
    sample,
    send: (events) => measure(sending, events, eventBytesOf(sample)),
    stop: async () => {
      await loop.stop()
      await sink.stop()
    },
  }
}
