/** A share as a form shows it, in percent. Only the point moves, so that no digit is lost. */

const decimal = /^(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d+))?$/i

/** Writes a number without an exponent. */
const plainly = (digits: string, exponent: number): string => {
  const [whole = "", part = ""] = digits.split(".")
  const all = whole + part
  const point = whole.length + exponent
  const padded = point <= 0 ? "0".repeat(1 - point) + all : all.padEnd(point, "0")
  const at = Math.max(point, 1)
  const after = padded.slice(at).replace(/0+$/, "")
  return `${padded.slice(0, at).replace(/^0+(?=\d)/, "")}${after === "" ? "" : `.${after}`}`
}

/** `0.125` is `12.5`. */
export const toPercent = (share: number): string => {
  const [, digits = "0", exponent = "0"] = decimal.exec(String(share)) ?? []
  return plainly(digits, Number(exponent) + 2)
}

/** `null` when it is no share of 0 to 100 percent. */
export const fromPercent = (text: string): number | null => {
  const [, digits, exponent = "0"] = decimal.exec(text.trim()) ?? []
  if (digits === undefined) return null
  const share = Number(`${digits}e${Number(exponent) - 2}`)
  return share <= 1 ? share : null
}
