import { Destination, type SinkBatch, type SinkKind, type SinkReply, type Transport } from "@millrace/core"
import type { Codec } from "@millrace/core/host"
import { Batch } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { describe, expect, it, onTestFinished } from "vitest"
import { suiteTimeout, within } from "./internal/waiting.ts"

/**
 * How the far end behaves.
 *
 * - `takes`: it takes what comes.
 * - `takes, says nothing`: it takes it, and breaks off before it has said so.
 * - `silent`: it takes no notice, and never answers.
 * - `away`: nobody is there.
 * - `not now`: it is there, and asks to be tried again in 7 seconds where its protocol can say so.
 * - `refuses`: the events themselves are wrong.
 * - `too large`: fewer of them would do.
 * - `wrong`: it does not know who sends, or there is no such place.
 * - `gone`: nothing is ever to be sent there again.
 */
export type FarEndMood =
  | "takes"
  | "takes, says nothing"
  | "silent"
  | "away"
  | "not now"
  | "refuses"
  | "too large"
  | "wrong"
  | "gone"

/** A far end for one kind of destination, and what it has taken. */
export interface SinkFarEnd {
  /** The destination's options but for `id`; its time-out is the contract's. */
  readonly destination: Omit<Destination.DestinationOptions, "id" | "timeout">
  readonly feel: (mood: FarEndMood) => Promise<void>
  /**
   * The bodies that it keeps, in the order in which they came, as the layout has written them. It
   * may keep one of two batches with one id.
   */
  readonly kept: () => Promise<ReadonlyArray<string>>
  /** How many batches have come, whatever became of them. */
  readonly arrived: () => number
  /** What must never be in an error. */
  readonly secret: string
  readonly close: () => Promise<void>
}

export interface SinkBinding {
  readonly kind: SinkKind
  readonly services: Layer.Layer<Transport.Transport | Codec.Codec, unknown>
  readonly farEnd: () => Promise<SinkFarEnd>
  /** What its protocol has no word for. */
  readonly cannot?: ReadonlyArray<FarEndMood>
}

/** ms. Long enough for anything that is to succeed, and for all of a test. */
const patient = 20_000

/** ms. What a far end that never answers is given. */
const brief = 200

const origin = {
  keyId: null,
  sdkType: "statsig-node",
  sdkVersion: "6.5.2",
  relayedBy: null,
  ip: null,
  statsigMetadata: '{"sdkType":"statsig-node"}',
}

const outcomes = {
  takes: "delivered",
  "takes, says nothing": "not-now",
  silent: "not-now",
  away: "not-now",
  "not now": "not-now",
  refuses: "refused",
  "too large": "too-large",
  wrong: "misconfigured",
  gone: "gone",
} as const satisfies Record<FarEndMood, SinkReply["outcome"]>

/** A far end that a test does not wait for in vain. */
const patiently = (farEnd: SinkFarEnd): SinkFarEnd => ({
  ...farEnd,
  arrived: () => farEnd.arrived(),
  feel: (mood) => within(`the far end to be so: ${mood}`, farEnd.feel(mood)),
  kept: () => within("the far end to say what it keeps", farEnd.kept()),
  close: () => within("the far end to close", farEnd.close()),
})

/** What a {@link SinkKind} has to keep to, whatever is at the far end. */
export const sinkContract = (name: string, binding: SinkBinding): void => {
  describe(`the sink contract, ${name}`, { timeout: suiteTimeout }, () => {
    const open = async (timeout = patient) => {
      const farEnd = patiently(await within("the far end to start", binding.farEnd()))
      onTestFinished(farEnd.close)
      const decoded = Destination.decode(
        { ...farEnd.destination, id: "there", timeout },
        undefined,
        binding.kind.schemes,
      )
      if (Result.isFailure(decoded)) throw new Error(JSON.stringify(decoded.failure))
      const destination = decoded.success
      const scope = Scope.makeUnsafe()
      onTestFinished(() => within("the sink to close", Effect.runPromise(Scope.close(scope, Exit.void))))
      const services = await within(
        "the services of the sink",
        Effect.runPromise(Layer.buildWithScope(binding.services, scope)),
      )
      const opening = binding.kind
        .open(destination)
        .pipe(Effect.provideContext(services), Effect.provideService(Scope.Scope, scope))
      const sink = await within("the sink to open", Effect.runPromise(opening))

      /** Events as their texts, in a request of their kind. */
      const batchOf = (id: string, ...events: ReadonlyArray<string>): SinkBatch => {
        const layout = binding.kind.layout(destination)
        const shared = binding.kind.form === "sent" ? origin : null
        const builder = Batch.make({ maxEvents: 500, maxBytes: 1_000_000, maxDelay: 0 }, layout)
        for (const event of events) {
          builder.begin(shared)!.text(event)
          builder.commit()
        }
        const body = Uint8Array.from(builder.close().body([0, events.length]))
        const [first, last] = [`${id}-first`, `${id}-last`]
        return { id: `msg_${id.padEnd(32, "0")}`, first, last, count: events.length, body, origin: shared }
      }
      const send = (batch: SinkBatch): Promise<SinkReply> =>
        within("the sink to say what became of a batch", Effect.runPromise(sink.send(batch)))
      return { farEnd, sink, scope, batchOf, send }
    }

    const event = (eventName: string) =>
      JSON.stringify({
        eventName,
        user: { userID: "größe 🚀" },
        userID: "größe 🚀",
        time: 1_767_225_600_000,
        timestamp: 1_767_225_600_000,
        value: "",
        metadata: {},
        statsigMetadata: {},
        timeUUID: "019b74b2-3800-7000-8000-000000000000",
      })

    const text = (batch: SinkBatch) => new TextDecoder().decode(batch.body)

    it("delivers batches in the order in which they are sent, byte for byte", async () => {
      const { farEnd, batchOf, send } = await open()
      const batches = [batchOf("a", event("1"), event("2")), batchOf("b", event("3"))]
      for (const batch of batches) {
        expect(await send(batch)).toMatchObject({ outcome: "delivered", error: null, noReply: null })
      }
      expect(await farEnd.kept()).toEqual(batches.map(text))
    })

    it("a batch that is sent again is the same at the far end, or is kept once", async () => {
      const { farEnd, batchOf, send } = await open()
      const batch = batchOf("a", event("1"))
      await send(batch)
      expect(await send(batch)).toMatchObject({ outcome: "delivered" })
      expect(new Set(await farEnd.kept())).toEqual(new Set([text(batch)]))
    })

    it("its buffer may be written over once it says so", async () => {
      const { farEnd, batchOf, send } = await open()
      const batch = batchOf("a", event("1"))
      const before = text(batch)
      const { isBodyFree } = await send(batch)
      if (isBodyFree === true) batch.body.fill(32)
      expect(await farEnd.kept()).toEqual([before])
    })

    it("many at once come out each as it is", async () => {
      const { farEnd, batchOf, send } = await open()
      const batches = Array.from({ length: 20 }, (_, at) => batchOf(`n${at}`, event(String(at))))
      const replies = await Promise.all(batches.map(send))
      expect(replies.map(({ outcome }) => outcome)).toEqual(batches.map(() => "delivered"))
      expect([...(await farEnd.kept())].sort()).toEqual(batches.map(text).sort())
    })

    const { cannot = [] } = binding
    const moods = (Object.keys(outcomes) as ReadonlyArray<FarEndMood>).filter(
      (mood) => mood !== "takes" && !cannot.includes(mood),
    )

    it.each(moods)("when the far end is so: %s", async (mood) => {
      const { farEnd, batchOf, send } = await open(mood === "silent" ? brief : patient)
      await farEnd.feel(mood)
      const reply = await send(batchOf("a", event("1")))
      expect(reply).toMatchObject({ outcome: outcomes[mood], error: expect.stringMatching(/\S/) })
      expect(reply.error).not.toContain(farEnd.secret)
      if (mood === "silent") expect(reply).toMatchObject({ noReply: "Timeout", status: null })
      // The same sink is well again when the far end is.
      await farEnd.feel("takes")
      await expect.poll(async () => (await send(batchOf("b", event("2")))).outcome).toBe("delivered")
    })

    it("stops at once when it is interrupted", async () => {
      const { farEnd, sink, batchOf } = await open()
      await farEnd.feel("silent")
      const fiber = Effect.runFork(sink.send(batchOf("a", event("1"))))
      await expect.poll(farEnd.arrived).toBe(1)
      await within("the sink to stop", Effect.runPromise(Fiber.interrupt(fiber)))
      expect(fiber.pollUnsafe()).toBeDefined()
    })
  })
}
