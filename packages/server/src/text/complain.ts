import { onStderr } from "./colour.ts"
import { printable } from "./SafeText.ts"

/** What is wrong, a line for each thing. */
export const complaint = (message: string): string =>
  message
    .split("\n")
    .map((line) => `${onStderr("red", "millrace:")} ${printable(line)}\n`)
    .join("")

/** Tells the user what is wrong. */
export const complain = (message: string): void => {
  process.stderr.write(complaint(message))
}
