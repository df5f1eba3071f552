/** Over 400 lines because every setting and every mistake has its case here. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { describe, expect, test } from "vitest"
import * as Config from "../../src/config/Config.ts"
import * as Settings from "../../src/config/settings.ts"
import { fileOf, load, mistakesOf } from "../support/config.ts"
import { tempDir } from "../support/resources.ts"

const noFile = () => join(tempDir(), "none.json")

describe("precedence", () => {
  const path = () =>
    fileOf({
      host: "file.host",
      port: 1001,
      store: "sqlite:file.db",
      storeMaxBytes: "1 GiB",
      waitForStore: "2 minutes",
      workers: 2,
      ack: "memory",
      validation: "strict",
      keys: { server: ["secret-file"], client: ["client-file"] },
      paths: { log_event: ["/file/data"], sdk_exception: ["/file/oops"] },
      log: { level: "error", format: "json" },
      alerts: { url: "https://file.example/alerts", on: ["failing"], lag: "1 hour" },
      destinations: [{ id: "file", url: "https://file.example" }],
    })
  const environment: Settings.Environment = {
    MILLRACE_HOST: "env.host",
    MILLRACE_PORT: "1002",
    MILLRACE_STORE: "sqlite:env.db",
    MILLRACE_STORE_MAX_BYTES: "500 MB",
    MILLRACE_WAIT_FOR_STORE: "1500",
    MILLRACE_WORKERS: "3",
    MILLRACE_ACK: "disk",
    MILLRACE_VALIDATION: "lenient",
    MILLRACE_SERVER_KEY: "secret-env-1, secret-env-2",
    MILLRACE_CLIENT_KEY: "client-env",
    MILLRACE_LOG_EVENT_PATH: "/env/data,/env/more",
    MILLRACE_ALERT_URL: "https://env.example/alerts",
    MILLRACE_ALERT_SECRET: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    MILLRACE_LOG_LEVEL: "silent",
    MILLRACE_LOG_FORMAT: "text",
    MILLRACE_WEBHOOK: "https://env.example/1,https://env.example/2",
  }
  const flags: Settings.Flags = {
    host: "flag.host",
    port: "1003",
    store: "memory:",
    storeMaxBytes: "4096",
    waitForStore: "30 seconds",
    workers: "4",
    ack: "replicated",
    validation: "auto",
    serverKey: ["secret-flag-1", "secret-flag-2"],
    clientKey: ["client-flag"],
    logEventPath: ["/flag/data"],
    alertUrl: "https://flag.example/alerts",
    logLevel: "debug",
    logFormat: "json",
    webhook: ["https://flag.example"],
  }
  const urls = ({ destinations }: Config.Config) => destinations.map(({ url }) => url)

  test("without anything: the documented defaults", async () => {
    expect(await load({}, {})).toEqual({
      host: "127.0.0.1",
      port: 8080,
      ops: { host: "127.0.0.1", port: null, key: null },
      otlp: null,
      store: expect.objectContaining({
        kind: "sqlite",
        path: "./millrace.db",
        text: "sqlite:./millrace.db",
        maxBytes: 10 * 1024 ** 3,
      }),
      keepFor: 3 * 24 * 60 * 60 * 1000,
      waitForStore: 0,
      drainDeadline: 5_000,
      workers: 1,
      ack: null,
      validation: "auto",
      dedupe: null,
      limits: {},
      cors: { origins: "*" },
      keys: { server: [], client: [] },
      admin: {},
      paths: {},
      destinations: [],
      client: {},
      statsig: {},
      statsigSecrets: [],
      catalog: null,
      hashKey: null,
      alerts: null,
      // Nobody looks at a terminal here.
      log: { level: "info", format: "json" },
      allowPrivateDestinations: false,
    })
  })

  test("the file beats the defaults", async () => {
    const config = await load({ config: path() })
    expect(config).toMatchObject({
      host: "file.host",
      port: 1001,
      store: { kind: "sqlite", path: "file.db", maxBytes: 1024 ** 3 },
      waitForStore: 120_000,
      workers: 2,
      ack: "memory",
      validation: "strict",
      keys: { server: ["secret-file"], client: ["client-file"] },
      paths: { log_event: ["/file/data"], sdk_exception: ["/file/oops"] },
      log: { level: "error", format: "json" },
      alerts: { url: "https://file.example/alerts", on: ["failing"], lag: 3_600_000, timeout: 10_000 },
    })
    expect(urls(config)).toEqual(["https://file.example"])
  })

  test("variables beat the file", async () => {
    const config = await load({ config: path() }, environment)
    expect(config).toMatchObject({
      host: "env.host",
      port: 1002,
      store: { kind: "sqlite", path: "env.db", maxBytes: 500_000_000 },
      waitForStore: 1_500,
      workers: 3,
      ack: "disk",
      validation: "lenient",
      keys: { server: ["secret-env-1", "secret-env-2"], client: ["client-env"] },
      paths: { log_event: ["/env/data", "/env/more"] },
      log: { level: "silent", format: "text" },
      alerts: {
        url: "https://env.example/alerts",
        on: ["failing"],
        signing: { standardWebhooks: [environment["MILLRACE_ALERT_SECRET"]] },
      },
    })
    // There is nothing in the file that a webhook's variable says again, so there is nothing to
    // beat.
    expect(urls(config)).toEqual(["https://file.example", "https://env.example/1", "https://env.example/2"])
  })

  test("flags beat variables", async () => {
    const config = await load({ ...flags, config: path() }, environment)
    expect(config).toMatchObject({
      host: "flag.host",
      port: 1003,
      store: { kind: "memory", maxBytes: 4096 },
      waitForStore: 30_000,
      workers: 4,
      ack: "replicated",
      validation: "auto",
      keys: { server: ["secret-flag-1", "secret-flag-2"], client: ["client-flag"] },
      paths: { log_event: ["/flag/data"] },
      log: { level: "debug", format: "json" },
      alerts: { url: "https://flag.example/alerts", on: ["failing"], lag: 3_600_000 },
    })
    expect(urls(config)).toEqual(["https://file.example", "https://flag.example"])
  })

  test("which file, too", async () => {
    const byVariable = fileOf({ port: 2000 })
    expect((await load({}, { MILLRACE_CONFIG: byVariable })).port).toBe(2000)
    expect((await load({ config: fileOf({ port: 3000 }) }, { MILLRACE_CONFIG: byVariable })).port).toBe(3000)
  })

  test("private destinations are allowed by the file (some or all), a variable or the flag", async () => {
    const allowed = async (flags: Settings.Flags, environment: Settings.Environment = {}) =>
      (await load(flags, environment)).allowPrivateDestinations
    const some = fileOf({ allowPrivateDestinations: ["10.0.0.0/8", "hooks.internal"] })
    expect(await allowed({ config: some })).toEqual(["10.0.0.0/8", "hooks.internal"])
    expect(await allowed({ config: some }, { MILLRACE_ALLOW_PRIVATE_DESTINATIONS: "false" })).toBe(false)
    expect(await allowed({}, { MILLRACE_ALLOW_PRIVATE_DESTINATIONS: "1" })).toBe(true)
    expect(
      await allowed({ allowPrivateDestinations: true }, { MILLRACE_ALLOW_PRIVATE_DESTINATIONS: "false" }),
    ).toBe(true)
    expect(await mistakesOf({}, { MILLRACE_ALLOW_PRIVATE_DESTINATIONS: "constructor" })).toEqual([
      "MILLRACE_ALLOW_PRIVATE_DESTINATIONS: expected boolean",
    ])
  })

  test("the key that fields are hashed with comes from the file, or from a variable, which beats it", async () => {
    const file = fileOf({
      hashKey: "of the file, sixteen",
      destinations: [{ id: "a", url: "https://a.example", fields: { hash: ["user.email"] } }],
    })
    const environment = { MILLRACE_HASH_KEY: "of the environment" }
    expect((await load({ config: file })).hashKey).toBe("of the file, sixteen")
    expect((await load({ config: file }, environment)).hashKey).toBe("of the environment")
    expect(Settings.unknownVariables(environment)).toEqual([])
    expect(await mistakesOf({ config: file }, { MILLRACE_HASH_KEY: "too short" })).toEqual([
      "MILLRACE_HASH_KEY: expected 16 characters at least",
    ])
  })

  test("a variable that is none is told with the one that was probably meant", () => {
    const environment = {
      MILLRACE_SERVERKEY: "t",
      MILLRACE_WEBHOKS: "t",
      MILLRACE_ELSE: "t",
      MILRACE_PORT: "1",
    }
    expect(Settings.unknownVariables(environment)).toEqual([
      { variable: "MILLRACE_SERVERKEY", nearest: "MILLRACE_SERVER_KEY" },
      { variable: "MILLRACE_WEBHOKS", nearest: "MILLRACE_WEBHOOK" },
      { variable: "MILLRACE_ELSE", nearest: null },
    ])
  })

  test("the variables of commands that ask a server elsewhere are known to all", () => {
    const known = { MILLRACE_ADMIN_TOKEN: "t", MILLRACE_ADMIN_READ_TOKEN: "t", MILLRACE_SERVER: "t" }
    expect(Settings.unknownVariables({ ...known, MILLRACE_SERVERS: "t" })).toMatchObject([
      { variable: "MILLRACE_SERVERS" },
    ])
  })

  test("an empty variable is not set, and what Kubernetes sets beside a service is not ours", async () => {
    const links = {
      MILLRACE_PORT: "tcp://10.0.0.1:8080",
      MILLRACE_PORT_8080_TCP_ADDR: "10.0.0.1",
      MILLRACE_SERVICE_HOST: "10.0.0.1",
    }
    expect(await load({}, { ...links, MILLRACE_HOST: "" })).toMatchObject({ host: "127.0.0.1", port: 8080 })
    expect(Settings.unknownVariables({ ...links, MILLRACE_SERVER_KEYS: "x", PATH: "y" })).toMatchObject([
      { variable: "MILLRACE_SERVER_KEYS" },
    ])
  })
})

describe("a destination", () => {
  test("given as a URL has the same id at every start", async () => {
    const [destination] = (await load({ webhook: ["https://example.com/hook"] })).destinations
    expect(destination).toMatchObject({
      id: "webhook-19f13522",
      url: "https://example.com/hook",
      enabled: true,
    })
  })

  test("given as a URL is signed with the secret that is given with it, the file's are not", async () => {
    const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`
    const path = fileOf({ destinations: [{ id: "file", url: "https://file.example" }] })
    const config = await load(
      { config: path, webhook: ["https://a.example", "https://b.example"] },
      { MILLRACE_WEBHOOK_SECRET: secret },
    )
    expect(config.destinations.map(({ signing }) => signing.standardWebhooks)).toEqual([
      [],
      [secret],
      [secret],
    ])
    expect(await mistakesOf({ webhookSecret: secret })).toEqual([
      "--webhook-secret: there is no --webhook whose requests it could sign",
    ])
  })

  test("of the file may have comments, trailing commas and a byte order mark around it", async () => {
    const path = fileOf(`\uFEFF// what goes where
      { "destinations": [ { "id": "a", /* here */ "url": "https://a.example", "timeout": "1.5 seconds", }, ], }`)
    expect((await load({ config: path })).destinations).toMatchObject([{ id: "a", timeout: 1500 }])
  })
})

describe("a catalog", () => {
  const catalogOf = async (catalog: unknown) => (await load({ config: fileOf({ catalog }) })).catalog

  test("comes from a file or from a URL", async () => {
    expect(await catalogOf({ file: "specs.json" })).toEqual({ file: "specs.json" })
    expect(await catalogOf({ url: "https://a.example/specs" })).toEqual({ url: "https://a.example/specs" })
    expect(await catalogOf({ url: "https://a.example/specs", refresh: "1.5 minutes" })).toEqual({
      url: "https://a.example/specs",
      refresh: 90_000,
    })
  })

  test.each<readonly [unknown, ReadonlyArray<string>]>([
    [{}, ["catalog: expected either a file or a url"]],
    [{ file: "a", url: "https://a.example" }, ["catalog: expected either a file or a url"]],
    [
      { file: "a", refresh: 1000 },
      ["catalog.refresh: goes with a url; a file is read again when it changes"],
    ],
    [{ file: "" }, ["catalog.file: expected a value with a length of at least 1"]],
    [{ url: "specs.json" }, ["catalog.url: expected a URL with http or https"]],
    [
      { url: "ftp://s3cret@a.example", refresh: 0, every: 1 },
      [
        "catalog.url: expected a URL with http or https",
        "catalog.refresh: expected 1 second at least",
        "catalog.every: unknown key",
      ],
    ],
    [
      { url: "https://a.example", refresh: "soon" },
      ['catalog.refresh: expected a duration like "500 millis" or "3 days"'],
    ],
    ["specs.json", ["catalog: expected object"]],
  ])("%j is a mistake", async (catalog, mistakes) => {
    expect(
      (await mistakesOf({ config: fileOf({ catalog }) })).map((line) => line.replace(/^\S+ /, "")),
    ).toEqual(mistakes)
  })
})

test("a setting that has no place in the file is not read from it", async () => {
  const config = await load({ config: fileOf({ port: 1234, statsig: { passThrough: true } }) })
  expect(config).toMatchObject({ port: 1234, statsig: { passThrough: true } })
  expect(Object.keys(config.statsig)).toEqual(["passThrough"])
})

describe("the client", () => {
  test("is what the file says, and nothing is kept of it by default", async () => {
    const client = { ip: "truncate", trust: ["10.0.0.0/8", "fd00::/8"], userAgent: true }
    expect((await load({ config: fileOf({ client }) })).client).toEqual(client)
    expect((await load({ config: fileOf({}) })).client).toEqual({})
  })

  test("has its mistakes with their places", async () => {
    const path = fileOf(`{
  "client": {
    "ip": "hash",
    "trust": ["10.0.0.0/8", "10.0.0.1/8"],
    "country": "NZ"
  }
}`)
    expect(await mistakesOf({ config: path })).toMatchInlineSnapshot(`
      [
        "config.json:3:5: client.ip: needs a key to hash with: set hashKey beside client, or MILLRACE_HASH_KEY, to 16 secret characters or more that stay the same",
        "config.json:4:29: client.trust[1]: expected the first address of the range before the slash",
        "config.json:5:5: client.country: unknown key",
      ]
    `)
    expect(await mistakesOf({ config: path }, { MILLRACE_HASH_KEY: "sixteen or more of them" })).toHaveLength(
      2,
    )
  })
})

describe("signed requests", () => {
  const secretsOf = async (statsigSecret: unknown) =>
    (await load({ config: fileOf({ receive: { statsigSecret } }) })).statsigSecrets

  test("have one secret, or several during a rotation", async () => {
    expect(await secretsOf("webhook-1")).toEqual(["webhook-1"])
    expect(await secretsOf(["webhook-1", "webhook-2"])).toEqual(["webhook-1", "webhook-2"])
    expect((await load({ config: fileOf({ receive: {} }) })).statsigSecrets).toEqual([])
  })
})

describe("mistakes", () => {
  test("of secrets and of what needs one, each with its place, none with its value", async () => {
    const path = fileOf(`{
  "hashKey": "s3cret",
  "receive": { "statsigSecret": ["webhook-s3cret", ""], "statsigSecrets": "webhook-s3cret" },
  "destinations": [{ "id": "a", "url": "https://a.example", "fields": { "hash": ["user.email"] } }]
}`)
    const mistakes = await mistakesOf({ config: path })
    expect(mistakes).toMatchInlineSnapshot(`
      [
        "config.json:2:3: hashKey: expected 16 characters at least",
        "config.json:3:52: receive.statsigSecret[1]: expected a value with a length of at least 1",
        "config.json:3:57: receive.statsigSecrets: unknown key: did you mean statsigSecret?",
      ]
    `)
    expect(mistakes.join()).not.toContain("s3cret")
    expect(await mistakesOf({ config: fileOf({ receive: { statsigSecret: "" } }) })).toMatchInlineSnapshot(`
      [
        "config.json:1:13: receive.statsigSecret: expected a value with a length of at least 1",
      ]
    `)
    expect(await mistakesOf({ config: fileOf({ receive: { statsigSecret: 1 } }) })).toMatchInlineSnapshot(`
      [
        "config.json:1:13: receive.statsigSecret: expected string | array",
      ]
    `)
  })

  test("of a destination that hashes without a key say how to set one, beside its others", async () => {
    const path = fileOf(`{
  "destinations": [
    { "id": "a", "url": "https://a.example", "fields": { "hash": [] } },
    { "id": "b", "url": "ftp://b.example", "fields": { "hash": ["user.email"] } }
  ]
}`)
    expect(await mistakesOf({ config: path })).toMatchInlineSnapshot(`
      [
        "config.json:4:18: destinations[1].url: expected a URL that begins with one of https:, http:, statsig:",
        "config.json:4:56: destinations[1].fields.hash: needs a key to hash with: set hashKey beside destinations, or MILLRACE_HASH_KEY, to 16 secret characters or more that stay the same",
      ]
    `)
    expect(await mistakesOf({ config: path }, { MILLRACE_HASH_KEY: "sixteen or more of them" })).toEqual([
      "config.json:4:18: destinations[1].url: expected a URL that begins with one of https:, http:, statsig:",
    ])
  })

  test("of flags and variables, all at once, each under its name, none with its value", async () => {
    expect(
      (
        await mistakesOf(
          {
            host: "",
            port: "70000",
            store: "mysql://me:password@db",
            ack: "somewhat",
            validation: "loose",
            serverKey: ["ok", "not ok"],
            webhook: ["ftp://example.com", "https://twice.example", "https://twice.example"],
            webhookSecret: "whsec_1",
          },
          { MILLRACE_CLIENT_KEY: "a b", MILLRACE_CONFIG: noFile() },
        )
      ).map((line) => line.replace(/there is no file .*/, "there is no file")),
    ).toMatchInlineSnapshot(`
      [
        "--host: expected a value with a length of at least 1",
        "--port: expected a value between 0 and 65535",
        "--store: expected memory:, sqlite:PATH, postgres://..., redis://... or nats://...",
        "--ack: expected "memory" | "disk" | "replicated"",
        "--validation: expected "auto" | "strict" | "lenient"",
        "--server-key: expected visible ASCII characters without a comma",
        "MILLRACE_CLIENT_KEY: expected visible ASCII characters without a comma",
        "MILLRACE_CONFIG: there is no file",
        "--webhook-secret: expected "whsec_" and 24 to 64 bytes in base64",
        "--webhook: expected a URL with http or https",
        "--webhook: the destination webhook-1a1f13cf is there already",
      ]
    `)
  })

  test("of paths of one's own, each with its place", async () => {
    const expected = 'expected a path of letters, digits and ".", "_", "~", "-": /v1/my-product-data'
    expect(await mistakesOf({ logEventPath: ["search", "/metrics"] })).toEqual([
      `--log-event-path: ${expected}`,
      "--log-event-path: is where the server says how it is",
    ])
    const paths = { log_event: ["/search", "/a b"], logEvent: ["/c"] }
    expect(await mistakesOf({ config: fileOf({ paths }) })).toEqual([
      `config.json:1:34: paths.log_event[1]: ${expected}`,
      "config.json:1:42: paths.logEvent: unknown key: did you mean log_event?",
    ])
  })

  test.each([
    ["", undefined],
    ["eighty", undefined],
    ["-1", undefined],
    ["1e3", undefined],
    ["80.5", undefined],
    ["65536", undefined],
    ["65535", 65_535],
    ["0", 0],
    ["0080", 80],
  ])("--port %j", async (port, expected) => {
    const loaded = load({ port }).then(
      (config) => config.port,
      () => undefined,
    )
    expect(await loaded).toBe(expected)
  })

  test.each(["", "0", "-1", "many", "1.5 XB", "1 iB", "GiB", "1e9", "1e400 GiB"])(
    "--store-max-bytes %j",
    async (storeMaxBytes) => {
      expect(await mistakesOf({ storeMaxBytes })).toEqual([
        '--store-max-bytes: expected a number of bytes, like "2 GiB", "500 MB" or 1048576',
      ])
    },
  )

  test("of the log's cap, wherever it is said, and when it is said twice", async () => {
    expect(await mistakesOf({ config: fileOf(`{ "storeMaxBytes": 0 }`) })).toEqual([
      "config.json:1:3: storeMaxBytes: expected a value greater than or equal to 1",
    ])
    expect(await mistakesOf({ config: fileOf(`{ "storeMaxBytes": "2 XiB" }`) })).toEqual([
      'config.json:1:3: storeMaxBytes: expected a number of bytes, like "2 GiB", "500 MB" or 1048576',
    ])
    const store = "redis://127.0.0.1:6379?maxBytes=1000"
    expect((await load({ store })).store.maxBytes).toBe(1000)
    expect(await mistakesOf({ store, storeMaxBytes: "1 GB" })).toEqual([
      "--store: maxBytes: said beside the URL, too: once is enough",
    ])
  })

  test.each(["sqlite:a.db", "postgres://127.0.0.1/a", "redis://127.0.0.1:6379", "nats://127.0.0.1:4222"])(
    "%s has the cap that is said",
    async (store) => {
      expect((await load({ store, storeMaxBytes: "2GiB" })).store.maxBytes).toBe(2 * 1024 ** 3)
    },
  )

  test.each([
    ["", "an integer"],
    ["two", "an integer"],
    ["-1", "an integer"],
    ["1.5", "an integer"],
    ["0", "a value between 1 and 64"],
    ["65", "a value between 1 and 64"],
  ])("--workers %j", async (workers, expected) => {
    expect(await mistakesOf({ workers })).toEqual([`--workers: expected ${expected}`])
  })

  test("of workers, wherever they are said", async () => {
    expect(await mistakesOf({}, { MILLRACE_WORKERS: "0" })).toEqual([
      "MILLRACE_WORKERS: expected a value between 1 and 64",
    ])
    expect(await mistakesOf({ config: fileOf(`{ "workers": "2" }`) })).toEqual([
      "config.json:1:3: workers: expected number",
    ])
    expect(await mistakesOf({ config: fileOf(`{ "workers": -1 }`) })).toEqual([
      "config.json:1:3: workers: expected a value between 1 and 64",
    ])
  })

  test.each([
    "mysql://u:hunter2@h/db",
    "hunter2",
    "",
    "memory",
    "memory:hunter2",
    "sqlite:",
    "sqlite://hunter2",
    "sqlite::memory:",
  ])("--store %s", async (store) => {
    const [mistake] = await mistakesOf({ store })
    expect(mistake).toMatch(/^--store: expected .*(memory:|sqlite:)/)
    expect(mistake).not.toContain("hunter2")
  })

  test.each([
    ["postgres://u:hunter2@h/db?nope=1", "postgres"],
    ["redis://:hunter2@h?nope=1", "redis"],
    ["nats://u:hunter2@h?nope=1", "nats"],
  ])("what the package of a store finds wrong: %s", async (store) => {
    expect(await mistakesOf({ store, port: "x" })).toEqual([
      expect.stringMatching(/^--port: /),
      expect.stringMatching(/^--store: .*nope/),
    ])
    const [mistake] = await mistakesOf({ config: fileOf({ store }) })
    expect(mistake).toMatch(/^config.json: store: .*nope/)
    expect(mistake).not.toContain("hunter2")
  })

  test("of a file, all at once, each with its line and its path", async () => {
    const path = fileOf(`{
  "host": "",
  "port": "8080",
  "store": "mysql://me:password@db",
  "validation": "loose",
  "listen": 1,
  "__proto__": {},
  "keys": { "server": ["a b", ""], "clients": [] },
  "destinations": [
    null,
    {
      "id": "a b",
      "url": "ftp://x",
      "enabled": "yes",
      "from": "later",
      "filter": { "categories": { "exposure": true }, "customEvents": { "a": 1 }, "include": "*" },
      "batch": { "maxEvents": 0, "maxBytes": 1.5, "maxDelay": "-1 second" },
      "format": "xml",
      "exposures": "nowhere",
      "retry": { "first": -1, "giveUpAfter": "soon" },
      "timeout": "1 fortnight",
      "colour": "blue",
      "predicate": 1
    },
    { "id": "twice", "url": "https://a.example" },
    { "id": "twice", "url": "https://b.example", "url": "https://c.example" },
    { "id": "intake" },
    { "id": "twice" }
  ]
}`)
    expect(await mistakesOf({ config: path })).toMatchInlineSnapshot(`
      [
        "config.json:2:3: host: expected a value with a length of at least 1",
        "config.json:3:3: port: expected number",
        "config.json:4:3: store: expected memory:, sqlite:PATH, postgres://..., redis://... or nats://...",
        "config.json:5:3: validation: expected "auto" | "strict" | "lenient"",
        "config.json:6:3: listen: unknown key",
        "config.json:7:3: __proto__: unknown key",
        "config.json:8:24: keys.server[0]: expected visible ASCII characters without a comma",
        "config.json:8:31: keys.server[1]: expected visible ASCII characters without a comma",
        "config.json:8:36: keys.clients: unknown key: did you mean client?",
        "config.json:10:5: destinations[0]: expected object",
        "config.json:12:7: destinations[1].id: expected 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
        "config.json:13:7: destinations[1].url: expected a URL that begins with one of https:, http:, statsig:",
        "config.json:14:7: destinations[1].enabled: expected boolean",
        "config.json:15:7: destinations[1].from: expected "now" | "earliest"",
        "config.json:16:35: destinations[1].filter.categories.exposure: unknown key: did you mean exposures?",
        "config.json:16:73: destinations[1].filter.customEvents.a: expected boolean",
        "config.json:16:83: destinations[1].filter.include: expected array",
        "config.json:17:18: destinations[1].batch.maxEvents: expected a value greater than or equal to 1",
        "config.json:17:34: destinations[1].batch.maxBytes: expected an integer",
        "config.json:17:51: destinations[1].batch.maxDelay: expected a duration like "500 millis" or "3 days"",
        "config.json:18:7: destinations[1].format: expected "array", "data", "ndjson", "slack", "discord", "teams" or {"template": ...}",
        "config.json:19:7: destinations[1].exposures: expected "statsigMetadata" | "metadata"",
        "config.json:20:18: destinations[1].retry.first: expected a value greater than or equal to 0",
        "config.json:20:31: destinations[1].retry.giveUpAfter: expected a duration like "500 millis" or "3 days"",
        "config.json:21:7: destinations[1].timeout: expected a duration like "500 millis" or "3 days"",
        "config.json:22:7: destinations[1].colour: unknown key",
        "config.json:23:7: destinations[1].predicate: unknown key",
        "config.json:26:7: destinations[3].id: the same as that of destinations[2]",
        "config.json:26:50: destinations[3].url: stands twice",
        "config.json:27:5: destinations[4].url: missing",
        "config.json:27:7: destinations[4].id: this id is taken: it is where events refused on arrival go",
        "config.json:28:5: destinations[5].url: missing",
        "config.json:28:7: destinations[5].id: the same as that of destinations[2]",
      ]
    `)
  })

  test.each([
    ["nothing", "", "config.json:1:1: value expected"],
    ["only a comment", "// later\n", "config.json:2:1: value expected"],
    ["an unclosed object", '{ "port": 1', "config.json:1:12: close brace expected"],
    ["no value", '{\n  "port": ,\n}', "config.json:2:11: value expected"],
    ["a text after the end", "{} {}", "config.json:1:4: end of file expected"],
    ["a list", "[]", "config.json:1:1: expected object"],
    ["null", "null", "config.json:1:1: expected object"],
    ["a text", '"x"', "config.json:1:1: expected object"],
  ])("a file with %s", async (_name, content, mistake) => {
    expect(await mistakesOf({ config: fileOf(content) })).toEqual([mistake])
  })

  test("a file that cannot be read", async () => {
    const directory = tempDir()
    expect(await mistakesOf({ config: directory })).toEqual([`${directory}: is a directory`])
  })
})

describe("tokens of operators", () => {
  const [full, read] = ["a-full-token-0123456789", "a-read-token-0123456789"]

  test("are given by a flag, a variable or the file, which may name where they stand", async () => {
    expect((await load({ adminToken: full, config: fileOf({ admin: { token: read } }) })).admin).toEqual({
      adminToken: full,
    })
    const secret = join(tempDir(), "token")
    writeFileSync(secret, `${full}\n`)
    const config = fileOf({ admin: { token: { file: secret }, readToken: read } })
    expect((await load({ config })).admin).toEqual({ adminToken: full, adminReadToken: read })
    const environment = { MILLRACE_ADMIN_TOKEN: read, MILLRACE_ADMIN_READ_TOKEN: full }
    expect((await load({ config }, environment)).admin).toEqual({ adminToken: read, adminReadToken: full })
  })

  test.each<readonly [string, Settings.Flags, unknown, string]>([
    ["can be guessed", { adminToken: "hunter2" }, {}, "--admin-token: expected 16 characters at least"],
    [
      "can be guessed in the file",
      {},
      { admin: { token: "hunter2" } },
      "config.json: admin.token: 16 characters at least",
    ],
    [
      "are the same",
      { adminToken: full, adminReadToken: full },
      {},
      "--admin-read-token: the same as the token that may do everything",
    ],
    [
      "are not where they should be",
      {},
      { admin: { readToken: { env: "MILLRACE_TEST_NOT_SET" } } },
      "config.json: admin.readToken: the environment variable is not set",
    ],
  ])("that %s end the start, and are not shown", async (_, flags, file, message) => {
    const mistakes = await mistakesOf({ ...flags, config: fileOf(file) })
    expect(mistakes).toEqual([message])
    expect(mistakes.join()).not.toContain("hunter2")
  })

  test("are not read by commands, which may be somebody else's", async () => {
    const config = fileOf({ admin: { token: { file: "/no/such/file" } } })
    expect((await Effect.runPromise(Config.load({ config }, {}, "to look"))).admin).toEqual({})
  })
})

describe("an address for /metrics and /readyz", () => {
  const key = "a-key-of-operators"

  test("is given by flags, variables or the file, and its key may stand elsewhere", async () => {
    const flags = { opsPort: "0", opsHost: "::1", opsKey: key, config: fileOf({}) }
    expect((await load(flags)).ops).toEqual({ host: "::1", port: 0, key })
    const secret = join(tempDir(), "key")
    writeFileSync(secret, `${key}\n`)
    const config = fileOf({ ops: { host: "10.0.0.1", port: 9090, key: { file: secret } } })
    expect((await load({ config })).ops).toEqual({ host: "10.0.0.1", port: 9090, key })
    expect((await load({ config }, { MILLRACE_OPS_PORT: "9091" })).ops.port).toBe(9091)
  })

  test.each<readonly [string, Settings.Flags, unknown, string]>([
    ["has no port", { opsHost: "::1" }, {}, "--ops-host: there is no --ops-port that it could be for"],
    [
      "has no port in the file",
      {},
      { ops: { host: "::1" } },
      "config.json: ops.host: there is no --ops-port that it could be for",
    ],
    ["can be guessed", { opsKey: "hunter2" }, {}, "--ops-key: expected 16 characters at least"],
  ])("that %s ends the start", async (_, flags, file, message) => {
    expect(await mistakesOf({ ...flags, config: fileOf(file) })).toEqual([message])
  })
})

describe("a collector of spans", () => {
  test("has a URL, a part and headers, which may stand elsewhere", async () => {
    const secret = join(tempDir(), "token")
    writeFileSync(secret, "Bearer t0ken\n")
    const headers = { authorization: { file: secret }, "x-team": "data" }
    const config = fileOf({ otlp: { url: "http://collector:4318", sample: 0.5, headers } })
    expect((await load({ config })).otlp).toEqual({
      ...{ url: "http://collector:4318", sample: 0.5 },
      headers: { authorization: "Bearer t0ken", "x-team": "data" },
    })
    const url = "http://127.0.0.1:4318"
    expect((await load({ otlp: url, config: fileOf({}) })).otlp).toEqual({ url, sample: 0.01, headers: {} })
    const set = await load({ otlp: url, otlpSample: "1", config: fileOf({}) })
    expect(set.otlp?.sample).toBe(1)
  })

  test.each<readonly [string, Settings.Flags, unknown, string]>([
    ["is no URL", { otlp: "collector:4318" }, {}, "--otlp: expected a URL with http or https"],
    ["is no part", { otlpSample: "2" }, {}, "--otlp-sample: expected a value between 0 and 1"],
    [
      "lacks a header",
      {},
      { otlp: { url: "http://c", headers: { a: { env: "MILLRACE_TEST_NOT_SET" } } } },
      "config.json: otlp.headers.a: the environment variable is not set",
    ],
  ])("that %s ends the start", async (_, flags, file, message) => {
    expect(await mistakesOf({ ...flags, config: fileOf(file) })).toEqual([message])
  })
})
