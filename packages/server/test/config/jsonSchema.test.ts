import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import { jsonSchema } from "../../src/config/jsonSchema.ts"
import { optionTexts } from "../../src/config/optionTexts.ts"
import * as Settings from "../../src/config/settings.ts"
import { fileOf, load } from "../support/config.ts"

interface Node {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: ReadonlyArray<Node>
}

/** Every key with its description, from the outside in. */
const keysIn = (node: Node, path = ""): ReadonlyArray<readonly [path: string, text: string | undefined]> => [
  ...Object.entries(node.properties ?? {}).flatMap(([key, option]) => {
    const own = path === "" ? key : `${path}.${key}`
    return [[own, option.description] as const, ...keysIn(option, own)]
  }),
  ...[node.items ?? [], node.anyOf ?? []].flat().flatMap((one) => keysIn(one, path)),
]

describe("the JSON Schema of the config file", () => {
  const keys = new Map(keysIn(jsonSchema()))

  test("is the one in docs/", async () => {
    const docs = fileURLToPath(new URL("../../../../docs", import.meta.url))
    await expect(`${JSON.stringify(jsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
      join(docs, "config.schema.json"),
    )
  })

  test("has every key of the settings, and says something of each key", () => {
    const settings = Settings.names.flatMap((name) => Settings.table[name].key ?? [])
    expect(settings.filter((key) => !keys.has(key))).toEqual([])
    expect([...keys].filter(([, text]) => text === undefined)).toEqual([])
    expect(Object.keys(optionTexts).filter((key) => !keys.has(key))).toEqual([])
  })

  test("says the defaults that hold", () => {
    expect(keys.get("port")).toBe("0 takes a free one (default: 8080)")
    expect(keys.get("destinations.batch.maxDelay")).toMatch(/ \(default: 1 s\)$/)
    expect(keys.get("destinations.retry.giveUpAfter")).toMatch(/ \(default: 7 days\)$/)
    expect(keys.get("destinations.format")).toMatch(/ \(default: "array"\)$/)
    expect(keys.get("destinations.id")).not.toContain("default")
  })

  test("may be named in the file", async () => {
    const config = fileOf({ $schema: "./millrace.schema.json", port: 8181 })
    expect((await load({ config })).port).toBe(8181)
  })
})
