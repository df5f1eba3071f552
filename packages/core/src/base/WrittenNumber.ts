/**
 * A number whose text a double does not give back: `12345678901234567890`, `1.0`, `1e3`. It is sent
 * on as its text.
 */
export class WrittenNumber {
  /** How often `JSON.stringify` has met one, which it cannot write. */
  static met = 0

  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }

  toJSON(): number {
    WrittenNumber.met += 1
    return Number(this.text)
  }
}
