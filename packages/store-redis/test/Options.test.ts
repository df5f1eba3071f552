import { layer, describe as name, type Options, optionsFromUrl } from "@millrace/store-redis"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parse } from "../src/Options.ts"

const settings = (options: Options) => Result.getOrThrow(parse(options))

describe("a URL", () => {
  it.each([
    ["redis://localhost", { host: "localhost", port: 6379, database: 0, secure: false }],
    ["redis://10.0.0.1:7000/3", { host: "10.0.0.1", port: 7000, database: 3 }],
    ["redis://[::1]:7000", { host: "::1", port: 7000 }],
    ["rediss://cache.example", { host: "cache.example", secure: true }],
    ["redis://:p%40ss@h", { username: null, password: "p@ss" }],
    ["redis://al%20ice:s%3Acret@h/", { username: "al ice", password: "s:cret", database: 0 }],
  ])("%s", (url, expected) => {
    expect(settings({ url })).toMatchObject(expected)
  })

  it("says all options of the store", () => {
    const url =
      "redis://alice:secret@h:1/2?prefix=shop&partitions=4&maxBytes=1000&requestTimeout=50&appendfsync=always"
    const options = Result.getOrThrow(optionsFromUrl(url))
    expect(options).toEqual({
      url: "redis://alice:secret@h:1/2",
      prefix: "shop",
      partitions: 4,
      maxBytes: 1000,
      requestTimeout: 50,
      appendfsync: "always",
    })
    expect(settings(options)).toMatchObject({ prefix: "shop", assertsAlways: true, requestTimeout: 50 })
    expect(name(options)).toBe("redis://alice@h:1/2?prefix=shop")
  })

  it.each([
    ["http://secret@h", "the URL begins with neither redis:// nor rediss://"],
    ["secret", "the URL cannot be read"],
    ["redis:///secret", "the URL names no host"],
    ["redis://h/secret", "the database, behind the host, is not a number"],
    ["redis://:secret/x@h:6379/0", '"/", which has to be written as %2F'],
    ["redis://:secret#x@h", '"#", which has to be written as %23'],
    ["redis://:secret?x@h", '"?", which has to be written as %3F'],
    ["redis://:secret@a:1,b:2/0", "several hosts: one is needed"],
    ["redis://u:%ff@h", "the user or the password holds a % that encodes nothing"],
    [
      "redis://h?family=6",
      "unknown parameter family: there are prefix, partitions, maxBytes, requestTimeout",
    ],
    ["redis://h?prefix=a&prefix=b", "the parameter prefix is given twice"],
    ["redis://h?prefix=", "prefix: 1 to 100 letters, digits or any of _.:- are needed"],
    ["redis://h?prefix=a%7Bb", "prefix: 1 to 100 letters, digits or any of _.:- are needed"],
    ["redis://h?partitions=0", "partitions: a whole number from 1 to 1024 is needed"],
    ["redis://h?partitions=1.5", "partitions: a whole number from 1 to 1024 is needed"],
    ["redis://h?partitions=", "partitions: a whole number from 1 to 1024 is needed"],
    ["redis://h?maxBytes=-1", "maxBytes: a number above 0 is needed"],
    ["redis://h?requestTimeout=soon", "requestTimeout: a number of ms above 0 is needed"],
    ["redis://h?appendfsync=everysec", 'appendfsync: only "always" can be said'],
  ])("%s is refused, and the message does not repeat it", (url, expected) => {
    const message = Result.isFailure(optionsFromUrl(url)) ? String(Result.flip(optionsFromUrl(url))) : ""
    const failure = Result.match(optionsFromUrl(url), { onSuccess: () => "", onFailure: (text) => text })
    expect(failure).toContain(expected)
    expect(message).not.toContain("secret")
  })

  it.each([
    ["redis://:100%@h", "100%"],
    ["rediss://default:p@ss%zz@h:6380", "p@ss%zz"],
  ])("takes a password as it is pasted: %s", (url, password) => {
    expect(settings(Result.getOrThrow(optionsFromUrl(url))).password).toBe(password)
  })

  it("keeps its password to itself, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), fc.boolean(), (password, isRight) => {
        const url = `redis://alice:${encodeURIComponent(`pw-${password}`)}@h${isRight ? "" : "/x"}`
        const read = optionsFromUrl(url)
        const shown = Result.match(read, { onSuccess: name, onFailure: (text) => text })
        expect(shown).not.toContain("pw-")
        expect(Result.isSuccess(read)).toBe(isRight)
        if (Result.isSuccess(read)) expect(settings(read.success).password).toBe(`pw-${password}`)
      }),
    )
  })
})

it("wrong options are a mistake of the program, told where it is made", () => {
  expect(() => layer({ url: "redis://h", partitions: -1 })).toThrow(RangeError)
  expect(() => layer({ url: "mysql://alice:secret@h" })).toThrow(
    new RangeError("the URL begins with neither redis:// nor rediss://"),
  )
})
