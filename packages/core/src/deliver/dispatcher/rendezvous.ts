import { hash32 } from "../../base/hash32.ts"

/**
 * Whom a key is dealt to: each member is given a number for it by hashing, and the greatest wins.
 * Everybody who knows the same members deals alike, in whatever order he knows them; when a member
 * goes, only its keys move, and when one comes, keys move to it only.
 *
 * @returns `undefined` when there are no members
 */
export const dealtTo = (key: string, members: ReadonlyArray<string>): string | undefined => {
  let first: string | undefined
  let greatest = -1
  for (const member of members) {
    const rank = hash32(`${member} ${key}`)
    if (rank < greatest || (rank === greatest && first !== undefined && member < first)) continue
    first = member
    greatest = rank
  }
  return first
}
