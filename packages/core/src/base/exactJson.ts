import type { Json } from "./json.ts"
import { put } from "./json.ts"
import { WrittenNumber } from "./WrittenNumber.ts"

/**
 * Finds where a number may stand whose text a double does not give back: with an exponent, sixteen
 * digits, a zero at its end, or many at its beginning. It also matches within strings, which only
 * costs time.
 */
const suspect = /(?:^|[[:,\s])-?(?:\d[\d.]*[eE]|\d[\d.]{15}|\d+\.\d*0(?!\d)|0\.0{6}|(?<=-)0)/

/** Reads JSON text that is known to be JSON. */
class Reader {
  private readonly text: string
  private at = 0

  constructor(text: string) {
    this.text = text
  }

  value(): Json {
    switch (this.next()) {
      case "{":
        return this.object()
      case "[":
        return this.array()
      case '"':
        return this.string()
      case "t":
        return this.literal(true)
      case "f":
        return this.literal(false)
      case "n":
        return this.literal(null)
      default:
        return this.number()
    }
  }

  /** What comes behind white space. */
  private next(): string {
    space.lastIndex = this.at
    space.test(this.text)
    this.at = space.lastIndex
    return this.text[this.at]!
  }

  private object(): Json {
    const object: Record<string, Json> = {}
    this.at += 1
    while (this.next() !== "}") {
      if (this.text[this.at] === ",") {
        this.at += 1
        continue
      }
      const key = this.string()
      this.next()
      this.at += 1
      put(object, key, this.value())
    }
    this.at += 1
    return object
  }

  private array(): Json {
    const items: Array<Json> = []
    this.at += 1
    while (this.next() !== "]") {
      if (this.text[this.at] === ",") this.at += 1
      else items.push(this.value())
    }
    this.at += 1
    return items
  }

  private string(): string {
    const from = this.at
    let at = from + 1
    while (this.text[at] !== '"') at += this.text[at] === "\\" ? 2 : 1
    this.at = at + 1
    return JSON.parse(this.text.slice(from, this.at)) as string
  }

  private literal<Value extends boolean | null>(value: Value): Value {
    this.at += String(value).length
    return value
  }

  private number(): Json {
    digits.lastIndex = this.at
    const text = digits.exec(this.text)![0]
    this.at += text.length
    const value = Number(text)
    if (String(value) === text) return value
    // Nobody that reads JSON into doubles takes it.
    if (!Number.isFinite(value)) return null
    return new WrittenNumber(text) as unknown as number
  }
}

const space = /[ \t\r\n]*/y
const digits = /[-+\d.eE]+/y

/** Whether {@link parse} may read something else than `JSON.parse`. */
export const mayHaveOddNumbers = (text: string): boolean => suspect.test(text)

/**
 * Reads text that is JSON as `JSON.parse` does, with its numbers as they are written: some of them
 * are {@link WrittenNumber}s, although their type does not say so. They must not get to code that
 * counts with numbers: filters and users' code are given what {@link JSON.parse} reads.
 */
export const parse = (text: string): Json =>
  mayHaveOddNumbers(text) ? new Reader(text).value() : (JSON.parse(text) as Json)

const write = (json: Json): string => {
  if (typeof json !== "object" || json === null) return JSON.stringify(json)
  if (json instanceof WrittenNumber) return json.text
  if (Array.isArray(json)) return `[${json.map(write).join(",")}]`
  const members = Object.entries(json).flatMap(([key, value]) =>
    value === undefined ? [] : `${JSON.stringify(key)}:${write(value)}`,
  )
  return `{${members.join(",")}}`
}

/** `JSON.stringify` of what {@link parse} has read. */
export const stringify = (json: Json): string => {
  const before = WrittenNumber.met
  const text = JSON.stringify(json)
  return WrittenNumber.met === before ? text : write(json)
}
