import type { Destination, OutputOf } from "../../../web/api/rows.ts"

type Attempt = OutputOf<"attempts/list">["attempts"][number]

const minute = 60_000

const failing = (row: Destination, now: number): ReadonlyArray<Attempt> => {
  const since = row.failingSince
  if (since === null) return []
  const waits = [0, 1, 3, 13, 18, 26, 84, 154, 272, 525, 935, 1_555].map((seconds) => since + seconds * 1000)
  return waits
    .map(
      (startedAt, at): Attempt => ({
        destination: row.id,
        webhookId: "msg_5dd0c94c27b1e07f43d88c02b6a5f913",
        startedAt,
        duration: at === 0 ? 30_000 : 384,
        events: 3,
        bytes: 1_434,
        outcome: "not-now",
        status: at === 0 ? null : 503,
        error:
          at === 0
            ? "no reply within 30 s"
            : "answered 503: upstream connect error or disconnect/reset before headers. reset reason: connection refused",
        wait: (waits[at + 1] ?? row.nextAt ?? now) - startedAt,
        waitReason: "back-off",
      }),
    )
    .reverse()
}

/** What was sent, newest first. */
export const attemptsAt = (now: number, row: Destination): ReadonlyArray<Attempt> => {
  const until = row.failingSince ?? row.disabled?.at ?? now
  const fine = Array.from(
    { length: 40 },
    (_, at): Attempt => ({
      destination: row.id,
      webhookId: `msg_${String(at).padStart(32, "7")}`,
      startedAt: Math.round(until - at * 0.05 * minute - 2_000),
      duration: 76 + ((at * 37) % 40),
      events: 120 + ((at * 13) % 60),
      bytes: 61_000 + ((at * 977) % 9000),
      outcome: "delivered",
      status: 202,
      error: null,
      wait: null,
      waitReason: null,
    }),
  )
  return [...failing(row, now), ...fine]
}
