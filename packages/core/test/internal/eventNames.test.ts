import { expect, test } from "vitest"
import * as EventNames from "../../src/internal/eventNames.ts"

const read = (text: string): string => {
  const bytes = Buffer.from(text)
  return EventNames.read(bytes, 0, bytes.length)
}

test("the text of a name, also when it begins with a byte order mark", () => {
  for (const name of ["page_view", "\ufeffpage_view", "ü", "語", "🚀"]) {
    expect(read(name)).toBe(name)
    expect(read(name)).toBe(name)
  }
})
