import { layer, optionsFromUrl, describe as placeOf } from "@millrace/store-postgres"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"

const problem = (url: string): string => Result.getOrThrow(Result.flip(optionsFromUrl(url)))

describe("options from a URL", () => {
  it("are the URL, and what stands in its query for the store itself", () => {
    expect(Result.getOrThrow(optionsFromUrl("postgres://u:p@db.test:5433/app?sslmode=verify-full"))).toEqual({
      url: "postgres://u:p@db.test:5433/app?sslmode=verify-full",
    })
    expect(
      Result.getOrThrow(
        optionsFromUrl(
          "postgresql://db.test/app?schema=events&maxBytes=5000000&requestTimeout=2000&connections=3&application_name=x",
        ),
      ),
    ).toEqual({
      url: "postgresql://db.test/app?application_name=x",
      schema: "events",
      maxBytes: 5_000_000,
      requestTimeout: 2000,
      connections: 3,
    })
  })

  it.each([
    [
      "postgresql://u:p@ep-x.eu.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
      "postgresql://u:p@ep-x.eu.aws.neon.tech/neondb?sslmode=require",
    ],
    [
      "postgres://u:100%+1@/app?host=/cloudsql/project:region:db",
      "postgres:///app?user=u&password=100%25%2B1&host=%2Fcloudsql%2Fproject%3Aregion%3Adb",
    ],
    ["postgres://u@/app?host=/cloudsql/p:r:i", "postgres:///app?user=u&host=%2Fcloudsql%2Fp%3Ar%3Ai"],
    ["postgres://u:100%@db.test/app", "postgres://u:100%25@db.test/app"],
    ["postgres://u:p@ss@db.test/app?target_session_attrs=read-write", "postgres://u:p%40ss@db.test/app"],
    ["postgres://u:p@db.test/app?connect_timeout=10&gssencmode=disable", "postgres://u:p@db.test/app"],
  ])("are what consoles give to be copied: %s", (url, read) => {
    const options = Result.getOrThrow(optionsFromUrl(url))
    expect(options).toMatchObject({ url: expect.any(String) as string })
    const href = (text: string) => {
      const { searchParams, href: whole } = new URL(text)
      return [whole.split("?")[0], [...searchParams]]
    }
    expect(href(options.url)).toEqual(href(read))
  })

  it.each([
    ["postgres://u:secret/x@db.test/app", /"\/", which has to be written as %2F/],
    ["postgres://u:secret#x@db.test/app", /"#", which has to be written as %23/],
    ["postgres://u:secret?x@db.test/app", /"\?", which has to be written as %3F/],
    ["postgres://u:secret@a.test,b.test:5433/app", /^several hosts: /],
    ["postgres://u:secret@db.test/app?target_session_attrs=standby", /^target_session_attrs: /],
    ["mysql://u:secret@db.test/app", /^expected a URL/],
    ["postgres://u:secret@db.test:port/app", /^expected a URL/],
    ["", /^expected a URL/],
    ["postgres://u:secret@db.test/app?shema=x", /^unknown parameter "shema"$/],
    ["postgres://u:secret@db.test/app?schema=", /^schema: /],
    ["postgres://u:secret@db.test/app?schema=pg_x", /^schema: /],
    ["postgres://u:secret@db.test/app?schema=a%22b", /^schema: /],
    [`postgres://u:secret@db.test/app?schema=${"x".repeat(51)}`, /^schema: /],
    ["postgres://u:secret@db.test/app?maxBytes=10GB", /^maxBytes: /],
    ["postgres://u:secret@db.test/app?requestTimeout=0", /^requestTimeout: /],
    ["postgres://u:secret@db.test/app?connections=1.5", /^connections: /],
  ])("say what is wrong, and not the URL: %s", (url, message) => {
    expect(problem(url)).toMatch(message)
    expect(problem(url)).not.toContain("secret")
  })
})

describe("options", () => {
  const url = "postgres://u:secret@db.test/app"

  it("are described without the password, also one in the query", () => {
    expect(placeOf({ url })).toBe("postgres://u@db.test/app?schema=millrace")
    expect(placeOf({ url: "postgres:///app?host=/run/postgresql&password=secret", schema: "x" })).toBe(
      "postgres:///app?schema=x",
    )
    expect(placeOf({ url: "secret" })).not.toContain("secret")
  })

  it.each([
    { url: "redis://u:secret@db.test" },
    { url: `${url}?schema=x` },
    { url, schema: "1" },
    { url, maxBytes: 0 },
    { url, maxBytes: Number.NaN },
    { url, requestTimeout: -1 },
    { url, connections: 0 },
  ])("that are wrong throw where the store is made", (options) => {
    expect(() => layer(options)).toThrow(RangeError)
    expect(() => layer(options)).not.toThrow(/secret/)
  })
})
