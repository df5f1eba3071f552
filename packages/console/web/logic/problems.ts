/** What the API has against a form, put where it belongs: each of its lines is `PATH: MESSAGE`. */
import type { Mistake } from "./filterForm.ts"

const line = /^([A-Za-z_$][\w$]*(?:\.[\w$]+|\[\d+\])*): (.+)$/s

/** The lines of a refusal; one without a path is about the whole. */
export const mistakesOf = (message: string): ReadonlyArray<Mistake> =>
  message
    .split("\n")
    .filter((text) => text !== "")
    .map((text) => {
      const [, path = "", said = text] = line.exec(text) ?? []
      return { path, message: said }
    })

/** Whether `path` is `root` or stands below it. */
const isBelow = (path: string, root: string): boolean =>
  path === root || path.startsWith(`${root}.`) || path.startsWith(`${root}[`)

/** What is said of a field: of it, or of anything below it. */
export const saidOf = (mistakes: ReadonlyArray<Mistake>, root: string): string | null => {
  const said = mistakes.filter(({ path }) => isBelow(path, root)).map(({ message }) => message)
  return said.length === 0 ? null : said.join("; ")
}

/** What is said of the row of a rule over fields. */
export const saidOfRow = (mistakes: ReadonlyArray<Mistake>, row: number, isAlone: boolean): string | null =>
  isAlone ? saidOf(mistakes, "filter.where") : saidOf(mistakes, `filter.where.all[${row}]`)

/** What no field of the form shows. */
export const unplaced = (
  mistakes: ReadonlyArray<Mistake>,
  roots: ReadonlyArray<string>,
): ReadonlyArray<Mistake> => mistakes.filter(({ path }) => !roots.some((root) => isBelow(path, root)))

/** A mistake as a sentence for people who do not see its place. */
export const inWords = ({ path, message }: Mistake): string => (path === "" ? message : `${path}: ${message}`)
