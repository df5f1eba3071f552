import { printable } from "./SafeText.ts"

/** Tells the user what is wrong, a line for each thing. */
export const complain = (message: string): void => {
  for (const line of message.split("\n")) process.stderr.write(`millrace: ${printable(line)}\n`)
}
