import { EventLog, type StoreError } from "@millrace/core/store"
import type { Options } from "@millrace/store-nats"
import { describeServer, describeStore, servers, startNats, type TestServer } from "@millrace/test-servers"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  hostOf,
  newPrefix,
  newPrefixOfTest,
  quietLayer,
  removeStreams,
  running,
  streamsOf,
  withJetStream,
} from "./place.ts"

const opened = (options: Options) =>
  Effect.map(Layer.build(Layer.fresh(quietLayer(options))), (context) =>
    Context.get(context, EventLog.EventLog),
  )

/** What a start that fails says, in one line. */
const refusal = async (options: Options): Promise<StoreError> => {
  const error = await Effect.runPromise(Effect.scoped(Effect.flip(opened(options))))
  expect(error.message).not.toContain("\n")
  return error
}

const openOnce = (options: Options): Promise<EventLog.EventLog["Service"]> =>
  Effect.runPromise(Effect.scoped(opened(options)))

await describeStore("nats", servers.nats, () => {
  describe("opening", () => {
    let prefix = ""
    const options = (more: Partial<Options> = {}): Options => {
      prefix = newPrefixOfTest()
      return { ...running, prefix, ...more }
    }

    it("makes its streams, and finds them again", async () => {
      const given = options({ partitions: 2 })
      await openOnce(given)
      const expected = [
        `KV_${prefix}`,
        `${prefix}_ATTEMPTS`,
        `${prefix}_LETTERS`,
        `${prefix}_LOG_0`,
        `${prefix}_LOG_1`,
        `${prefix}_RESERVE`,
      ]
      expect(await streamsOf(prefix)).toEqual(expected.sort())
      await openOnce(given)
      expect(await streamsOf(prefix)).toEqual(expected)
    })

    it("may happen many times at once", async () => {
      const given = options({ partitions: 3 })
      const logs = await Promise.all(Array.from({ length: 8 }, () => openOnce(given)))
      expect(logs.map(({ partitions }) => partitions)).toEqual(logs.map(() => 3))
    })

    it("keeps the number of partitions unless told, lets it grow, and does not let it shrink", async () => {
      const given = options()
      expect((await openOnce(given)).partitions).toBe(1)
      expect((await openOnce({ ...given, partitions: 3 })).partitions).toBe(3)
      expect((await openOnce(given)).partitions).toBe(3)
      const { reason, message } = await refusal({ ...given, partitions: 2 })
      expect(reason._tag).toBe("Incompatible")
      expect(message).toContain("has 3 partitions, and 2 are asked for")
    })

    it("refuses streams that another program made, and makes none of its own beside them", async () => {
      for (const suffix of ["_LOG_0", "_LETTERS", "_ATTEMPTS"]) {
        const given = options()
        const name = `${prefix}${suffix}`
        await withJetStream(running, (manager) =>
          manager.streams.add({ name, subjects: [`${prefix}.other`] }),
        )
        const { reason, message } = await refusal(given)
        expect(reason._tag).toBe("Corrupt")
        expect(message).toContain(`stream "${name}" was made by another program`)
        expect(await streamsOf(prefix)).toEqual([name])
        await removeStreams(prefix)
      }
    })

    it("refuses a key-value bucket that another program made", async () => {
      const given = options()
      const name = `KV_${prefix}`
      await withJetStream(running, (manager) => manager.streams.add({ name, subjects: [`$KV.${prefix}.>`] }))
      expect((await refusal(given)).reason._tag).toBe("Corrupt")
      expect(await streamsOf(prefix)).toEqual([name])
    })

    it("refuses streams of a newer version", async () => {
      const given = options()
      await openOnce(given)
      const name = `${prefix}_LOG_0`
      await withJetStream(running, (manager) =>
        manager.streams.update(name, { description: "Millrace store, version 2" }),
      )
      const { reason, message } = await refusal(given)
      expect(reason._tag).toBe("Incompatible")
      expect(message).toContain(`stream "${name}" is of version 2`)
    })

    it("says that storage cannot be changed, and that one server keeps no replicas", async () => {
      const given = options({ storage: "memory" })
      await openOnce(given)
      const changed = await refusal({ ...given, storage: "file" })
      expect(changed.reason._tag).toBe("Incompatible")
      expect(changed.message).toContain('storage "memory"')
      const replicated = await refusal(options({ replicas: 3 }))
      expect(replicated.reason._tag).toBe("Unavailable")
      expect(replicated.message).toMatch(/replicas/)
      expect(await streamsOf(prefix)).toEqual([])
      const one = options()
      await openOnce(one)
      expect((await refusal({ ...one, replicas: 3 })).message).toContain("3 replicas are asked for")
    })

    it("says that there is no server", async () => {
      const { reason, message } = await refusal(options({ servers: "127.0.0.1:1" }))
      expect(reason._tag).toBe("Unavailable")
      expect(message).toContain("127.0.0.1:1")
      expect(message).toContain("connection refused")
    })

    it("says that there are no credentials", async () => {
      const { reason, message } = await refusal(options({ creds: "/nowhere/millrace.creds" }))
      expect(reason._tag).toBe("Unavailable")
      expect(message).toContain("/nowhere/millrace.creds")
    })
  })
})

const accounts = `accounts {
  STORE: {
    jetstream: enabled
    users: [
      { user: store, password: "right-password" }
      { user: reader, password: "reader-password", permissions: { publish: ["none.at.all"], subscribe: [">"] } }
      { user: mute, password: "mute-password", permissions: { publish: ["$JS.API.>", "*.wake.*"], subscribe: [">"] } }
      { user: deaf, password: "deaf-password", permissions: { publish: [">"], subscribe: ["_INBOX.>"] } }
    ]
  }
  BARE: { users: [{ user: bare, password: "bare-password" }] }
}`

describeServer("nats", "opening with a password", () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startNats({ conf: accounts })
  })
  afterAll(() => server.dispose())

  const as = (user: string, password: string): Options => ({
    servers: hostOf(server.url),
    user,
    password,
    prefix: newPrefix(),
    requestTimeout: 5_000,
  })

  it("succeeds with the right one", async () => {
    expect((await openOnce(as("store", "right-password"))).partitions).toBe(1)
  })

  const refused: ReadonlyArray<readonly [string, string, string, string]> = [
    ["a wrong password", "store", "wrong-password", "not authorized"],
    ["no right to append", "mute", "mute-password", "may not publish to"],
    ["no right to ask JetStream", "reader", "reader-password", "may not publish to"],
    ["no right to listen", "deaf", "deaf-password", "may not subscribe to"],
    ["an account without JetStream", "bare", "bare-password", "JetStream"],
  ]

  it.each(refused)(
    "says what is wrong with %s, without the password",
    async (_, user, password, expected) => {
      const given = as(user, password)
      const { reason, message } = await refusal(given)
      expect(reason._tag).toBe("Unavailable")
      expect(message).toContain(expected)
      expect(message).not.toContain(password)
      expect(await streamsOf(given.prefix ?? "", as("store", "right-password"))).toEqual([])
    },
  )
})
