import * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import { type Action, isTelling, type Shape, type Table } from "./Action.ts"
import { meanings } from "./OperatorError.ts"

type Json = Readonly<Record<string, unknown>>

/** The body of every failure. */
export const Failure = Schema.Struct({ message: Schema.String, status: Schema.Int }).annotate({
  identifier: "Failure",
  description: "Why it could not be done: a line for each thing that is wrong.",
})

export type Failure = typeof Failure.Type

interface About {
  readonly title: string
  readonly version: string
  /** What stands before every path: `/admin/v1/`. */
  readonly root: string
}

/** What may go wrong with any action. */
const always: ReadonlyArray<readonly [status: number, means: string]> = [
  [400, "The input is not what it should be: a line for each mistake."],
  [401, "Nobody has signed in. A socket of the server's own user asks for no sign-in."],
  [413, "The input is too large."],
  [415, "The input does not come as `application/json`."],
  [500, "A mistake of ours."],
]

const jsonContent = (schema: Json) => ({ "application/json": { schema } })

/** What may go wrong with one that changes something. */
const ofChanges: ReadonlyArray<readonly [status: number, means: string]> = [
  [403, "This sign-in may only read."],
]

/** By status, since two failures may have the same one. */
const failuresOf = ({ errors, changes }: Action, failure: Json): Json => {
  const said = new Map<number, Array<string>>()
  const tags = [...errors, "StoreError"] as const
  for (const [status, means] of [
    ...always,
    ...(changes ? ofChanges : []),
    ...tags.map((tag) => meaningOf(tag)),
  ]) {
    said.set(status, [...(said.get(status) ?? []), means])
  }
  return Object.fromEntries(
    [...said].map(([status, sentences]) => [
      String(status),
      { description: sentences.join(" "), content: jsonContent(failure) },
    ]),
  )
}

const meaningOf = (tag: keyof typeof meanings): readonly [number, string] => {
  const { status, means } = meanings[tag]
  return [status, means]
}

/** Each event a line, or a server-sent event. */
const eventContent = (schema: Json) => ({
  "application/x-ndjson": { schema },
  "text/event-stream": { schema },
})

const operation = (name: string, action: Action, input: Json, output: Json, failure: Json): Json => ({
  operationId: name,
  summary: action.summary,
  tags: [action.path.split("/", 1)[0]],
  requestBody: { required: true, content: jsonContent(input) },
  responses: {
    "200": isTelling(action)
      ? { description: "What happens from now on, for as long as it is read.", content: eventContent(output) }
      : { description: "Done.", content: jsonContent(output) },
    ...failuresOf(action, failure),
  },
})

/**
 * The schemas of the shapes, in their order, and those that these refer to.
 *
 * @param onExcessProperty what becomes of keys that a shape does not name
 */
const schemasOf = (
  [first, ...rest]: readonly [Shape, ...ReadonlyArray<Shape>],
  onExcessProperty: "ignore" | "error",
) => {
  const astOf = (shape: Shape) => Schema.toCodecJson(shape as unknown as Schema.Constraint).ast
  return JsonSchema.toMultiDocumentOpenApi3_1(
    SchemaRepresentation.toJsonSchemaMultiDocument(
      SchemaRepresentation.toRepresentations([astOf(first), ...rest.map(astOf)]),
      { onExcessProperty },
    ),
  )
}

/** The OpenAPI 3.1 document of a table's actions, as they are served over HTTP. */
export const openApi = (table: Table, { title, version, root }: About): Json => {
  const all = Object.entries(table)
  const outputOf = (action: Action): Shape => (isTelling(action) ? action.event : action.output)
  const answers = schemasOf([Failure, ...all.map(([, action]) => outputOf(action))], "ignore")
  // The first of them only stands where a table may have no action at all.
  const questions = schemasOf([Schema.Null, ...all.map(([, action]) => action.input)], "error")
  const [failure, ...outputs] = answers.schemas
  const inputs = questions.schemas.slice(1)
  return {
    openapi: "3.1.0",
    info: { title, version },
    paths: Object.fromEntries(
      all.map(([name, action], index) => [
        `${root}${action.path}`,
        { post: operation(name, action, inputs[index]!, outputs[index]!, failure) },
      ]),
    ),
    components: { schemas: { ...questions.definitions, ...answers.definitions } },
  }
}
