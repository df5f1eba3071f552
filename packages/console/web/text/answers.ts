import type { Destination } from "../api/rows.ts"
import { span } from "./times.ts"

/** What a receiver does: "answers 503", "does not answer". */
export const answers = (status: number | null): string =>
  status === null ? "does not answer" : `answers ${status}`

/** What it has been doing since it fails: "answers 503 for 38 min". */
export const answersFor = (
  { lastStatus, failingSince }: Pick<Destination, "lastStatus" | "failingSince">,
  now: number,
): string => `${answers(lastStatus)}${failingSince === null ? "" : ` for ${span(now - failingSince)}`}`
