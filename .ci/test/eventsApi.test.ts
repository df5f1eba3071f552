import { Validator } from "@seriousme/openapi-schema-validator"
import { describe, expect, it } from "vitest"
import { openApi } from "../documents/openApi.ts"
import { read } from "./sources.ts"

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: ReadonlyArray<string>
  readonly items?: Schema
  readonly anyOf?: ReadonlyArray<Schema>
  readonly oneOf?: ReadonlyArray<Schema>
  readonly additionalProperties?: boolean | Schema
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>
}

interface Operation {
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly schema: Schema }>
  readonly requestBody: Schema
  readonly responses: Readonly<Record<string, Schema>>
}

interface Document {
  readonly paths: Readonly<Record<string, { readonly post: Operation }>>
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

const theirs = JSON.parse(read(".ci/test/fixtures/statsig-events-api.json")) as Document
const ours = openApi() as unknown as Document

const resolved = (document: Document, schema: Schema): Schema => {
  if (schema.$ref === undefined) return schema
  const [, section, name] = schema.$ref.slice(2).split("/")
  return document.components[section!]![name!] as Schema
}

const bodyOf = (document: Document, schema: Schema): Schema =>
  resolved(document, resolved(document, schema).content!["application/json"]!.schema)

/** Says what the second document does not say as the first does. */
const differences = (first: Schema, second: Schema, at: string): ReadonlyArray<string> => {
  const [one, other] = [resolved(theirs, first), resolved(ours, second)]
  const choices = one.oneOf ?? one.anyOf
  const [map, otherMap] = [one.additionalProperties, other.additionalProperties]
  return [
    ...(one.type === other.type ? [] : [`${at}: ${other.type} for ${one.type}`]),
    ...(one.required ?? [])
      .filter((key) => !other.required?.includes(key))
      .map((key) => `${at}: ${key} may be left out`),
    ...(choices ?? []).flatMap((choice) =>
      other.anyOf?.some((mine) => differences(choice, mine, at).length === 0) === true
        ? []
        : [`${at}: no ${choice.type}`],
    ),
    ...(one.items === undefined ? [] : differences(one.items, other.items ?? {}, `${at}[]`)),
    ...(typeof map !== "object" ? [] : differences(map, otherMap as Schema, `${at}.*`)),
    ...Object.entries(one.properties ?? {}).flatMap(([key, property]) =>
      other.properties?.[key] === undefined
        ? [`${at}.${key}: missing`]
        : differences(property, other.properties[key], `${at}.${key}`),
    ),
  ]
}

/** The form of a request that Statsig's document has; we take others besides. */
const documented = (body: Schema): Schema =>
  body.anyOf?.find(({ required }) => required?.includes("events")) ?? body

describe("docs/openapi.json", () => {
  it("is an OpenAPI document", async () => {
    expect(await new Validator().validate(structuredClone(openApi()) as Record<string, unknown>)).toEqual({
      valid: true,
    })
  })

  it.each(Object.keys(theirs.paths))("says of %s what Statsig's document says", (path) => {
    const [first, second] = [theirs.paths[path]!.post, ours.paths[path]!.post]
    expect(
      differences(bodyOf(theirs, first.requestBody), documented(bodyOf(ours, second.requestBody)), "body"),
    ).toEqual([])
    for (const [status, response] of Object.entries(first.responses)) {
      expect(differences(bodyOf(theirs, response), bodyOf(ours, second.responses[status]!), status)).toEqual(
        [],
      )
    }
    const names = (operation: Operation) =>
      operation.parameters?.map(({ name, schema }) => [name, schema.type])
    expect(names(second)).toEqual(names(first))
  })

  it("demands no more of an event than Statsig's document", () => {
    const required = (document: Document) => (document.components["schemas"]!["Event"] as Schema).required
    expect(new Set(required(ours))).toEqual(new Set(required(theirs)))
  })

  it("has the key where Statsig's document has it", () => {
    expect(ours.components["securitySchemes"]).toMatchObject(theirs.components["securitySchemes"]!)
  })
})
