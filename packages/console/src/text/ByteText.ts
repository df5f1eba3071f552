import * as Result from "effect/Result"

const megabyte = 1024 * 1024

/** "3 KiB", "1.5 MiB", "10.0 GiB"; rounded up below a MiB. */
export const format = (count: number): string =>
  count >= 1024 * megabyte
    ? `${(count / 1024 / megabyte).toFixed(1)} GiB`
    : count >= megabyte
      ? `${(count / megabyte).toFixed(1)} MiB`
      : `${Math.ceil(count / 1024)} KiB`

/**
 * Powers by the first letter of a unit. KB, MB and so on count in thousands; KiB, MiB and so on in
 * 1,024s.
 */
const powers = "bkmgt"

const size = /^(\d+(?:\.\d+)?) *([kmgt]?)(i?)b?$/

/**
 * Reads a number of bytes as people write it: "2 GiB", "500MB", "1.5 TB", "1048576". It is at least
 * one, and no more than a number can count.
 */
export const parse = (text: string): Result.Result<number, string> => {
  const [, digits = "", letter = "", binary = ""] = size.exec(text.trim().toLowerCase()) ?? []
  const bytes = Math.round(Number(digits) * (binary === "" ? 1000 : 1024) ** powers.indexOf(letter || "b"))
  return digits !== "" && bytes >= 1 && Number.isSafeInteger(bytes) && (letter !== "" || binary === "")
    ? Result.succeed(bytes)
    : Result.fail('expected a number of bytes, like "2 GiB", "500 MB" or 1048576')
}
