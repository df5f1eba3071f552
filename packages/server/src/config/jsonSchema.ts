import { TimeText } from "@millrace/console/admin"
import { Destination } from "@millrace/core"
import * as JsonSchema from "effect/JsonSchema"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ConfigFile from "./ConfigFile.ts"
import { optionTexts, secretTexts } from "./optionTexts.ts"
import * as Settings from "./settings.ts"

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** By its key in the file; a group has none, nor has what stands below a setting. */
const settingAt = (path: string): Settings.Name | undefined =>
  Settings.names.find((name) => Settings.table[name].key === path)

const [usual] = Result.getOrThrow(Destination.decodeAll([{ id: "any", url: "https://example.com/" }]))

/** What a destination has where its option is not given; groups have none to show. */
const destinationDefault = (path: string): unknown => {
  const [root, ...keys] = path.split(".")
  if (root !== "destinations" || path === "destinations.id" || path === "destinations.url") return undefined
  let value: unknown = usual
  for (const key of keys) value = isObject(value) ? value[key] : undefined
  return isObject(value) || value === null || (Array.isArray(value) && value.length === 0) ? undefined : value
}

const isDuration = ({ anyOf }: Json): boolean =>
  Array.isArray(anyOf) && anyOf.length === 2 && anyOf[0].type === "number" && anyOf[1].type === "string"

const defaultOf = (schema: Json, path: string): string => {
  const name = settingAt(path)
  if (name !== undefined) return Settings.defaultText(name)
  const value = destinationDefault(path)
  if (value === undefined) return ""
  const text =
    isDuration(schema) && typeof value === "number" ? TimeText.duration(value) : JSON.stringify(value)
  return ` (default: ${text})`
}

const textOf = (path: string): string | undefined => {
  const name = settingAt(path)
  if (name !== undefined) return Settings.table[name].help
  return optionTexts[path] ?? secretTexts[path.split(".").at(-1)!]
}

/** `${NAME}` may be shorter than the value it stands for, and the largest number is no limit. */
const withoutNoise = ({ minLength, maximum, ...schema }: Json): Json => ({
  ...schema,
  ...(minLength === 1 ? { minLength } : {}),
  ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
})

const described = (schema: Json, path: string, isNamed: boolean): Json => {
  const text = isNamed ? textOf(path) : undefined
  const description = text === undefined ? {} : { description: `${text}${defaultOf(schema, path)}` }
  const { properties, items, anyOf } = schema
  return {
    ...description,
    ...withoutNoise(schema),
    ...(isObject(properties)
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, option]) => [
              key,
              described(option as Json, path === "" ? key : `${path}.${key}`, true),
            ]),
          ),
        }
      : {}),
    ...(isObject(items) ? { items: described(items, path, false) } : {}),
    ...(Array.isArray(anyOf) ? { anyOf: anyOf.map((one: Json) => described(one, path, false)) } : {}),
  }
}

/**
 * Describes the config file for editors, which then complete its keys and check them: made of the
 * Schemas that the file is checked by, and of what the help says.
 */
export const jsonSchema = (): Json => {
  const document = JsonSchema.toDocumentDraft07(
    Schema.toJsonSchemaDocument(Schema.toEncoded(ConfigFile.schema()), { onExcessProperty: "error" }),
  )
  return {
    $schema: JsonSchema.META_SCHEMA_URI_DRAFT_07,
    title: "The config file of millrace",
    ...described(document.schema, "", true),
  }
}
