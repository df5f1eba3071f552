import { describe as describeStore, layer, type Options, optionsFromUrl } from "@millrace/store-nats"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"

describe("optionsFromUrl", () => {
  const read: ReadonlyArray<readonly [string, Options]> = [
    ["nats://127.0.0.1", { servers: ["127.0.0.1"] }],
    ["nats://a:4222,b:4223/", { servers: ["a:4222", "b:4223"] }],
    ["nats://a:4222,nats://b:4222, nats://c", { servers: ["a:4222", "b:4222", "c"] }],
    [
      "nats://me:p%@a/,nats://me:p%@b:1/?prefix=x",
      { servers: ["a", "b:1"], user: "me", password: "p%", prefix: "x" },
    ],
    ["nats://me:100%@a", { servers: ["a"], user: "me", password: "100%" }],
    ["nats://me:p@ss@a", { servers: ["a"], user: "me", password: "p@ss" }],
    ["tls://a", { servers: ["a"], tls: true }],
    ["nats://us%40er:pa%3Ass%2F@a", { servers: ["a"], user: "us@er", password: "pa:ss/" }],
    ["nats://secret-token@a:1", { servers: ["a:1"], token: "secret-token" }],
    [
      "nats://a?prefix=shop&partitions=4&replicas=3&storage=memory&sync=always&maxBytes=1000&requestTimeout=500&creds=/a/b.creds",
      {
        servers: ["a"],
        prefix: "shop",
        partitions: 4,
        replicas: 3,
        storage: "memory",
        sync: "always",
        maxBytes: 1000,
        requestTimeout: 500,
        creds: "/a/b.creds",
      },
    ],
  ]

  it.each(read)("reads %s", (url, options) => {
    expect(optionsFromUrl(url)).toEqual(Result.succeed(options))
  })

  const refused: ReadonlyArray<readonly [string, string]> = [
    ["nats:", "a URL such as"],
    ["http://a", "a URL such as"],
    ["nats://s3cret:w0rd@", "servers is empty"],
    ["nats://s3cret:%ff@a", "percent-encoded"],
    ["nats://me:s3cret/x@a,b", '"/", which has to be written as %2F'],
    ["nats://me:s3cret#x@a", '"#", which has to be written as %23'],
    ["nats://me:s3cret@a,nats://you:w0rd@b", "one user is needed for all servers"],
    ["nats://s3cret:w0rd@a,s3cret:w0rd@b", "stand once, before the first server"],
    ["nats://a,,b", "servers is empty"],
    ["nats://a?partition=2", 'unknown parameter "partition"'],
    ["nats://a?toString=2", 'unknown parameter "toString"'],
    ["nats://a?partitions=two", 'partitions is "two"'],
    ["nats://a?partitions=0", "partitions is 0"],
    ["nats://a?replicas=6", "replicas is 6"],
    ["nats://a?storage=disk", "file or memory"],
    ["nats://a?sync=never", "always or interval"],
    ["nats://a?prefix=a.b", 'prefix is "a.b"'],
    ["nats://a?maxBytes=0", "maxBytes is 0"],
    ["nats://a?requestTimeout=0", "requestTimeout is 0"],
  ]

  it.each(refused)("refuses %s, and says why without repeating it", (url, reason) => {
    const read = optionsFromUrl(url)
    const message = Result.isFailure(read) ? read.failure : "it was read"
    expect(message).toContain(reason)
    expect(message).not.toMatch(/s3cret|w0rd/)
  })
})

describe("describe", () => {
  it("says where the store is, and never how to get in", () => {
    const options = { servers: ["nats://a:4222", "b:4222"], user: "me", password: "secret", prefix: "shop" }
    expect(describeStore(options)).toBe("nats://a:4222,b:4222?prefix=shop")
    expect(describeStore({ servers: "a", token: "secret", tls: true })).toBe("tls://a")
  })
})

describe("layer", () => {
  it("throws for options that are a mistake of the program", () => {
    for (const wrong of [
      { servers: [] },
      { servers: "me:secret@a" },
      { servers: "a", prefix: "a b" },
      { servers: "a", partitions: 1.5 },
      { servers: "a", maxBytes: Number.NaN },
    ]) {
      expect(() => layer(wrong)).toThrow(RangeError)
      expect(() => layer(wrong)).not.toThrow(/secret/)
    }
  })
})
