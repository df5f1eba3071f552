import { dirname, join, normalize } from "node:path"
import { filesIn, importsOf } from "./sources.ts"

/**
 * A file imports another of the same package, also when it is only for a type. Paths are from the
 * root.
 */
export interface Arrow {
  readonly from: string
  readonly to: string
}

/** Every relative import of a folder's files. */
export const arrowsIn = (folder: string): ReadonlyArray<Arrow> =>
  filesIn(folder, ".ts", ".tsx")
    .flatMap(importsOf)
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ file, specifier }) => ({ from: file, to: normalize(join(dirname(file), specifier)) }))

/**
 * Files that lead to themselves, each circle once with its files in the order of the alphabet
 * (Tarjan's strongly connected components).
 */
export const circlesOf = (arrows: ReadonlyArray<Arrow>): ReadonlyArray<ReadonlyArray<string>> => {
  const targets = new Map<string, Array<string>>()
  for (const { from, to } of arrows) targets.set(from, [...(targets.get(from) ?? []), to])
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: Array<string> = []
  const circles: Array<ReadonlyArray<string>> = []

  const visit = (file: string): void => {
    order.set(file, order.size)
    lowest.set(file, order.get(file)!)
    open.push(file)
    for (const target of targets.get(file) ?? []) {
      if (!order.has(target)) {
        visit(target)
        lowest.set(file, Math.min(lowest.get(file)!, lowest.get(target)!))
      } else if (open.includes(target)) {
        lowest.set(file, Math.min(lowest.get(file)!, order.get(target)!))
      }
    }
    if (lowest.get(file) !== order.get(file)) return
    const circle = open.splice(open.indexOf(file))
    if (circle.length > 1 || targets.get(file)?.includes(file)) circles.push(circle.sort())
  }

  for (const file of targets.keys()) if (!order.has(file)) visit(file)
  return circles
}

/**
 * The rooms of core, the highest first: a room may import those of later lines, never of its own
 * line or of earlier ones. `""` holds the files that stand in no room: the front doors.
 */
const rooms: ReadonlyArray<ReadonlyArray<string>> = [
  [""],
  ["operate"],
  ["deliver", "intake"],
  ["select"],
  ["entry"],
  ["bytes"],
  ["ports"],
  ["base"],
]

/** The room of a path within core's sources: `deliver` of `deliver/lane/round.ts`. */
const roomOf = (path: string): string => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "")

/**
 * Imports within core that go up, sideways, or from or to a room that {@link rooms} does not name.
 * Paths are within its sources.
 */
export const againstOrder = (arrows: ReadonlyArray<Arrow>): ReadonlyArray<Arrow> => {
  const levelOf = (path: string): number => rooms.findIndex((level) => level.includes(roomOf(path)))
  return arrows.filter(({ from, to }) => {
    if (levelOf(from) === -1 || levelOf(to) === -1) return true
    return roomOf(from) !== roomOf(to) && levelOf(from) >= levelOf(to)
  })
}
