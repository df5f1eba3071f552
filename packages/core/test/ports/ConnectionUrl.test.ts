import * as Result from "effect/Result"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as ConnectionUrl from "../../src/ports/ConnectionUrl.ts"

const prepared = (url: string) => Result.getOrThrow(ConnectionUrl.prepare(url))
const problem = (url: string) => Result.getOrThrow(Result.flip(ConnectionUrl.prepare(url)))

describe("a URL as people paste it", () => {
  it.each([
    ["postgres://u:p@db.test:5432/app?sslmode=require", "postgres://u:p@db.test:5432/app?sslmode=require"],
    ["postgres://u:100%@db.test/app", "postgres://u:100%25@db.test/app"],
    ["postgres://u:a%zz%2Fb%@db.test/app", "postgres://u:a%25zz%2Fb%25@db.test/app"],
    ["redis://:p@ss@db.test", "redis://:p%40ss@db.test"],
    ["redis://:two words@db.test", "redis://:two%20words@db.test"],
    [" redis://db.test\n", "redis://db.test"],
    ["postgres://db.test:5432/app?application_name=a@b", "postgres://db.test:5432/app?application_name=a@b"],
    ["postgres://db.test/app?application_name=a@b", "postgres://db.test/app?application_name=a@b"],
    ["postgres://u:p@/app?host=/cloudsql/p:r:i", "postgres://u:p@/app?host=/cloudsql/p:r:i"],
    ["nats://a.test:4222,b.test:4222", "nats://a.test:4222,b.test:4222"],
    ["redis://[::1]:6379/0", "redis://[::1]:6379/0"],
    ["sqlite:./a@b.db", "sqlite:./a@b.db"],
  ])("%j is read as %j", (url, expected) => {
    expect(prepared(url)).toBe(expected)
  })

  it.each([
    ["postgres://u:s3cret/x@db.test/app", "/", "%2F"],
    ["postgres://u:s3cret?x@db.test/app", "?", "%3F"],
    ["postgres://u:s3cret#x@db.test/app", "#", "%23"],
    ["postgres://u:123/s3cret@db.test/app", "/", "%2F"],
    ["postgres://u:123#s3cret@db.test/app?a=b", "#", "%23"],
    ["redis://:s3cret/x@db.test:6379/0", "/", "%2F"],
    ["redis://:s3cret[x@db.test", "[", "%5B"],
    ["nats://s3cret#x@a.test,b.test", "#", "%23"],
  ])("%s is refused with what to write, and without the password", (url, character, escaped) => {
    expect(problem(url)).toBe(
      `the user or the password holds ${JSON.stringify(character)}, which has to be written as ${escaped} in a URL`,
    )
    expect(problem(url)).not.toContain("s3cret")
  })

  it("with a password that is escaped is left as it is, whatever the password", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (password) => {
        const url = `postgres://u:${encodeURIComponent(password)}@db.test:5432/app`
        expect(prepared(url)).toBe(url)
      }),
    )
  })

  it("with any password either has that password or is refused", () => {
    const any = fc.string({ unit: fc.constantFrom(..."xy1:@/?#%[]&=+ ") })
    const characters = any.map((text) => `p${text}`)
    fc.assert(
      fc.property(characters, (password) => {
        // What cannot be told from a host with a query.
        fc.pre(!/@.*\?.*=|[/].*\?/.test(password))
        const found = ConnectionUrl.prepare(`postgres://u:${password}@db.test:5432/app`)
        if (Result.isFailure(found)) return
        const read = new URL(found.success)
        expect(read.host).toBe("db.test:5432")
        // What looks like an escape is one.
        const meant = password.replace(/%(?![\da-f]{2})/gi, "%25")
        expect(decodeURIComponent(read.password)).toBe(decodeURIComponent(meant))
      }),
    )
  })
})

it("the hosts of a URL are those behind the password", () => {
  expect(ConnectionUrl.hostsOf("postgres://u:a,b@db1.test:1,db2.test:2/app?x=a,b")).toEqual([
    "db1.test:1",
    "db2.test:2",
  ])
  expect(ConnectionUrl.hostsOf("redis://db.test")).toEqual(["db.test"])
})
