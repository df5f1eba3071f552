import * as Result from "effect/Result"
import * as ExactJson from "../../base/exactJson.ts"
import type { OptionProblem } from "../../base/InvalidOptions.ts"
import { isFlat, isObject, type Json, put } from "../../base/json.ts"
import { sizeOf } from "../../base/jsonSize.ts"
import { type Path, type Problem, pathText } from "../../base/SchemaProblems.ts"
import { problemOf, reader } from "../fieldPath.ts"
import type { WebhookEvent } from "../WebhookEvent.ts"

/** How arrays and objects of a template may stand in one another: events nest 64 deep besides. */
const maxDepth = 32

/**
 * Texts, numbers, objects and whatever else stands in a template: a form for one event is smaller.
 */
const maxValues = 1000

/** UTF-16 units of all texts and keys of a template together. */
const maxLength = 64 * 1024

/**
 * Bytes of JSON that placeholders may stand for together. More than any event has: it is reached
 * only when a template repeats the larger part of one that is large already.
 */
const maxFilled = 16 * 1024 * 1024

const tooMuchFilled = "with this event the template becomes longer than 16 MiB"

/** Reads a field of an event; `null` when there is none. */
type Field = (event: WebhookEvent) => Json

/** A text, parted at its placeholders. */
type Piece = string | Field

const fieldProblem = (path: string): string | null =>
  path.split(".").includes("*") ? "a placeholder is about one field, without wildcards" : problemOf(path)

const field = (path: string): Field => {
  const [root, ...parts] = path.split(".")
  const name = root as keyof WebhookEvent
  if (parts.length === 0) return (event) => event[name] as Json
  const below = reader(parts)
  return (event) => below(event[name] as Json) ?? null
}

/** The pieces of a text, or what is wrong with the first that is wrong. */
const piecesOf = (text: string): Result.Result<ReadonlyArray<Piece>, string> => {
  const pieces: Array<Piece> = []
  let at = 0
  while (at < text.length) {
    const open = text.indexOf("{{", at)
    const literal = open === -1 ? text.slice(at) : text.slice(at, open)
    if (literal.includes("}}")) return Result.fail('there is a "}}" without a "{{" before it')
    if (literal !== "") pieces.push(literal)
    if (open === -1) break
    const close = text.indexOf("}}", open + 2)
    if (close === -1) return Result.fail('there is a "{{" without a "}}" behind it')
    const path = text.slice(open + 2, close).trim()
    const problem = fieldProblem(path)
    if (problem !== null) {
      const number = pieces.filter((piece) => typeof piece !== "string").length + 1
      return Result.fail(`placeholder ${number}: ${problem}`)
    }
    pieces.push(field(path))
    at = close + 2
  }
  return Result.succeed(pieces)
}

const keyProblem = "placeholders stand in values: keys are sent as they are"

/** What a walk through a template has found, so that it can end where there is too much. */
interface Walk {
  readonly problems: Array<Problem>
  values: number
  length: number
}

const isTooLarge = ({ values, length }: Walk): boolean => values > maxValues || length > maxLength

/** What is wrong with a value by itself, whatever stands below it. */
const valueProblem = (json: unknown, depth: number): string | null => {
  switch (typeof json) {
    case "string": {
      const pieces = piecesOf(json)
      return Result.isFailure(pieces) ? pieces.failure : null
    }
    case "number":
      return Number.isFinite(json) ? null : "expected a finite number"
    case "boolean":
      return null
    case "object":
      return json === null || depth < maxDepth ? null : `expected a template nested ${maxDepth} deep at most`
    default:
      return "expected JSON"
  }
}

const walk = (found: Walk, json: unknown, path: Path): void => {
  found.values += 1
  if (typeof json === "string") found.length += json.length
  if (isTooLarge(found)) return
  const problem = valueProblem(json, path.length)
  if (problem !== null) {
    found.problems.push({ path, message: problem })
    return
  }
  if (typeof json !== "object" || json === null) return
  const isArray = Array.isArray(json)
  for (const [key, value] of Object.entries(json)) {
    const below = [...path, isArray ? Number(key) : key]
    if (!isArray) {
      found.length += key.length
      if (key.includes("{{")) found.problems.push({ path: below, message: keyProblem })
    }
    walk(found, value, below)
    if (isTooLarge(found)) return
  }
}

/** What is wrong with a template, with paths within it. */
export const problemsOf = (template: unknown): ReadonlyArray<Problem> => {
  const found: Walk = { problems: [], values: 0, length: 0 }
  walk(found, template, [])
  if (!isTooLarge(found)) return found.problems
  return [{ path: [], message: `expected ${maxValues} values and ${maxLength} characters at most` }]
}

/** Takes note of what placeholders stand for. */
interface Filling {
  readonly event: WebhookEvent
  /** Bytes; negative when there has been too much. */
  left: number
}

const fill = (filling: Filling, read: Field): Json => {
  if (filling.left < 0) return null
  const value = read(filling.event)
  filling.left -= sizeOf(value, filling.left)
  return filling.left < 0 ? null : value
}

const textOf = (value: Json): string => {
  if (value === null) return ""
  return isFlat(value) ? String(value) : ExactJson.stringify(value)
}

type Node = (filling: Filling) => Json

const compileText = (text: string): Node => {
  const pieces = Result.getOrThrow(piecesOf(text))
  const [only] = pieces
  if (pieces.length === 1 && typeof only === "function") return (filling) => fill(filling, only)
  return (filling) =>
    pieces.map((piece) => (typeof piece === "string" ? piece : textOf(fill(filling, piece)))).join("")
}

const compileNode = (json: Json): Node => {
  if (typeof json === "string") return compileText(json)
  if (Array.isArray(json)) {
    const items = json.map(compileNode)
    return (filling) => items.map((item) => item(filling))
  }
  if (!isObject(json)) return () => json
  const members = Object.entries(json).map(([key, value]) => [key, compileNode(value)] as const)
  return (filling) => {
    const object: Record<string, Json> = {}
    for (const [key, node] of members) put(object, key, node(filling))
    return object
  }
}

/** Makes of an event what is sent, or says why nothing can be. */
export type Render = (event: WebhookEvent) => Result.Result<Json, string>

/**
 * Compiles a template: JSON whose texts may hold `{{ path }}`, for the field of an exported event
 * that stands at that path. Its keys have none.
 *
 * - A text that is one placeholder, and nothing else, becomes the value itself, whatever it is;
 *   `null` when there is none.
 * - Within a text, texts, numbers and booleans are written as they are, arrays and objects as JSON,
 *   and nothing for what is not there.
 * - Two braces always belong to a placeholder; one brace is text.
 *
 * @param root where the template stands
 */
export const compile = (
  template: unknown,
  root: Path = ["template"],
): Result.Result<Render, ReadonlyArray<OptionProblem>> => {
  const problems = problemsOf(template)
  if (problems.length > 0) {
    return Result.fail(problems.map(({ path, message }) => ({ path: pathText([...root, ...path]), message })))
  }
  const node = compileNode(template as Json)
  return Result.succeed((event) => {
    const filling: Filling = { event, left: maxFilled }
    const json = node(filling)
    return filling.left < 0 ? Result.fail(tooMuchFilled) : Result.succeed(json)
  })
}
