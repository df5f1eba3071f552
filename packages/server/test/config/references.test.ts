// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file is about such texts
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { expand } from "../../src/config/references.ts"
import { fileOf, load, mistakesOf } from "../support/config.ts"

const environment = { HOST: "hooks.example", TOKEN: "s3cret", EMPTY: "" }

describe("a variable in a text of the config file", () => {
  test.each([
    ["https://${HOST}/in?key=${TOKEN}", "https://hooks.example/in?key=s3cret"],
    ["${HOST}${HOST}", "hooks.examplehooks.example"],
    ["${NONE:-hooks.example}", "hooks.example"],
    ["${EMPTY:-of the default}", "of the default"],
    ["${NONE:-}", ""],
    ["${TOKEN:-other}", "s3cret"],
    ["$${TOKEN} and ${TOKEN}", "${TOKEN} and s3cret"],
    ["pa$$word, $TOKEN, ${{value}}, $1, ${", "pa$$word, $TOKEN, ${{value}}, $1, ${"],
  ])("%s is %s", (text, expected) => {
    expect(expand([text], environment)).toEqual({ value: [expected], problems: [] })
  })

  test.each([
    ["${NONE}", "the variable NONE is not set"],
    ["${EMPTY}", "the variable EMPTY is not set"],
    ["${constructor}", "the variable constructor is not set"],
    ["${my-host}", "expected ${NAME} or ${NAME:-default}; $${ stands for ${ itself"],
    ["${}", "expected ${NAME} or ${NAME:-default}; $${ stands for ${ itself"],
  ])("%s is a mistake", (text, message) => {
    expect(expand({ a: [text] }, environment).problems).toEqual([{ path: ["a", 0], message }])
  })

  test("is not looked for in what a variable says, nor in keys", () => {
    expect(expand({ "${HOST}": "${A}" }, { A: "${HOST}" })).toEqual({
      value: { "${HOST}": "${HOST}" },
      problems: [],
    })
  })

  test("leaves every other value as it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value).replaceAll("${", "{"))
        expect(expand(plain, environment)).toEqual({ value: plain, problems: [] })
      }),
    )
  })
})

describe("the config file", () => {
  const destinations = [
    {
      id: "hook",
      url: "https://${HOST}/in",
      headers: { authorization: "Bearer ${TOKEN}" },
      filter: { include: ["$${name}_*"] },
    },
  ]

  test("has variables where it says so", async () => {
    const config = fileOf({
      store: "redis://:${TOKEN}@${HOST}",
      keys: { server: ["${TOKEN}"] },
      destinations,
    })
    expect(await load({ config }, environment)).toMatchObject({
      store: { kind: "redis" },
      keys: { server: ["s3cret"] },
      destinations: [
        {
          url: "https://hooks.example/in",
          headers: { authorization: "Bearer s3cret" },
          filter: { include: ["${name}_*"] },
        },
      ],
    })
  })

  test("says where one is missing, beside its other mistakes, and shows no value", async () => {
    const config = fileOf(`{
  "port": "\${TOKEN}",
  "hashKey": "\${HASH_KEY}",
  "destinations": [
    { "id": "a", "url": "\${WEBHOOK_URL}/\${TOKEN}", "timeout": "\${TOKEN}" }
  ]
}`)
    const mistakes = await mistakesOf({ config }, environment)
    expect(mistakes).toEqual([
      "config.json:2:3: port: expected number",
      "config.json:3:3: hashKey: the variable HASH_KEY is not set",
      "config.json:5:18: destinations[0].url: the variable WEBHOOK_URL is not set",
      'config.json:5:52: destinations[0].timeout: expected a duration like "500 millis" or "3 days"',
    ])
    expect(mistakes.join()).not.toContain("s3cret")
  })
})
