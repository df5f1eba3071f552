import { goldenOptions, goldenReplies } from "@millrace/testkit"
import * as Effect from "effect/Effect"
import { beforeAll, describe, expect, it } from "vitest"
import { BodyError, type IngestReply } from "../../src/intake/HttpIngest.ts"
import { StoreError } from "../../src/ports/StoreError.ts"
import { event, keys, open, request, run, sdkBody } from "../support/intake.ts"

/**
 * What a client does with a batch after a reply. `kept`: in a file or a queue of its own, sent
 * again later.
 */
type Next = "done" | "sent again" | "kept" | "lost"

/** The part of a reply that a client can see. */
type Answer = Pick<IngestReply, "status" | "body">

const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300

const json = ({ body }: Answer): unknown => {
  try {
    return JSON.parse(String(body))
  } catch {
    return undefined
  }
}

const successOf = (answer: Answer): unknown => {
  const value = json(answer)
  return typeof value === "object" && value !== null && "success" in value ? value.success : undefined
}

/** The list that most SDKs share. */
const retried = new Set([408, 500, 502, 503, 504, 522, 524, 599])

/** Success by status alone, retries by the list. */
const byList =
  (otherwise: Next) =>
  (answer: Answer): Next => {
    if (isSuccess(answer)) return "done"
    return retried.has(answer.status) ? "sent again" : otherwise
  }

const legacyJs = (answer: Answer): Next => {
  if (isSuccess(answer)) return answer.status === 204 || json(answer) !== undefined ? "done" : "sent again"
  return retried.has(answer.status) ? "sent again" : "kept"
}

/** The rules of each SDK that sends again, from the wire notes. */
const retrying: Readonly<Record<string, (answer: Answer) => Next>> = {
  "js-client": byList("lost"),
  "statsig-js": legacyJs,
  "js-lite": legacyJs,
  "statsig-node": (answer) => (isSuccess(answer) ? "done" : "sent again"),
  "server core": (answer) => {
    const value = json(answer)
    if (isSuccess(answer) && typeof value === "object" && value !== null && successOf(answer) !== false)
      return "done"
    return [400, 403, 405, 413, 429, 501].includes(answer.status) ? "lost" : "sent again"
  },
  Python: (answer) => (isSuccess(answer) && json(answer) === undefined ? "lost" : byList("lost")(answer)),
  Go: (answer) => (isSuccess(answer) && json(answer) === undefined ? "lost" : byList("lost")(answer)),
  Ruby: byList("lost"),
  Java: byList("lost"),
  ".NET": byList("lost"),
  Erlang: (answer) => (isSuccess(answer) ? "done" : "kept"),
  iOS: byList("kept"),
  Android: (answer) =>
    isSuccess(answer) && answer.body !== "" && json(answer) === undefined ? "kept" : byList("kept")(answer),
  Dart: (answer) => {
    if (isSuccess(answer) && successOf(answer) === true) return "done"
    return retried.has(answer.status) ? "sent again" : "kept"
  },
  "C++ client": (answer) => (isSuccess(answer) ? "done" : "kept"),
}

/** Never sends again, whatever the answer. */
const careless: Readonly<Record<string, (answer: Answer) => Next>> = {
  PHP: ({ status }) => (status < 300 ? "done" : "lost"),
}

/** Looks for a readable `success` alone, and with `false` reports the batch as failed. */
const swiftOnDevice = (answer: Answer): Next =>
  typeof successOf(answer) === "boolean" ? "done" : "sent again"

const append = (error: StoreError["reason"]["_tag"]) => () =>
  Effect.fail(new StoreError({ reason: { _tag: error } as StoreError["reason"], message: "" }))

let answers: ReadonlyArray<IngestReply>

beforeAll(async () => {
  answers = await run(
    Effect.gen(function* () {
      const all: Array<IngestReply> = []
      for (const golden of goldenReplies) {
        // No SDK calls it.
        if (golden.request.url.includes("event_webhook")) continue
        const { http } = yield* open(goldenOptions)
        all.push(yield* http.handle(request(golden.request)))
      }
      for (const reason of ["TooLarge", "Aborted", "TimedOut", "Overloaded", "Consumed"] as const) {
        const { http } = yield* open({ keys })
        all.push(yield* http.handle({ ...request(), body: () => Effect.fail(new BodyError({ reason })) }))
      }
      for (const reason of ["Full", "Unavailable", "Closed"] as const) {
        const { http } = yield* open({ keys }, { log: (log) => ({ ...log, append: append(reason) }) })
        all.push(yield* http.handle(request()))
      }
      const broken = yield* open({ keys }, { log: (log) => ({ ...log, append: () => Effect.die("bug") }) })
      all.push(yield* broken.http.handle(request()))
      const { http } = yield* open({ keys })
      for (const events of [[event(), {}], [{}], Array.from({ length: 300 }, () => ({}))]) {
        all.push(yield* http.handle(request({ body: sdkBody(...events) })))
      }
      yield* http.close
      all.push(yield* http.handle(request()))
      return all.filter(({ status }) => status !== 204 && status !== 405)
    }),
  )
})

const withStatus = (...statuses: ReadonlyArray<number>) =>
  answers.filter(({ status }) => statuses.includes(status))

describe("what SDKs make of the replies", () => {
  it("meets every status of the table", () => {
    expect(new Set(answers.map(({ status }) => status))).toEqual(
      new Set([202, 400, 401, 408, 413, 415, 500, 503]),
    )
  })

  it("never says 429, on which most lose the batch", () => {
    expect(withStatus(429)).toEqual([])
  })

  it("always has a JSON object as its body", () => {
    for (const answer of answers) expect(json(answer)).toBeTypeOf("object")
  })

  describe.each(Object.entries({ ...retrying, ...careless }))("%s", (name, next) => {
    it("is done with what was accepted, and never sends it twice", () => {
      for (const answer of withStatus(202)) expect(next(answer)).toBe("done")
    })

    it.each(name in retrying ? ["sends again what could not be stored"] : [])("%s", () => {
      for (const answer of withStatus(503, 500, 408)) expect(["sent again", "kept"]).toContain(next(answer))
    })
  })

  it("takes nobody's refusal for a success, save where a client reads no status", () => {
    for (const [name, next] of Object.entries({ ...retrying, ...careless })) {
      for (const answer of answers)
        if (answer.status !== 202) expect([name, next(answer)]).not.toEqual([name, "done"])
    }
  })

  it("has to lose what Swift's on-device client reads no status of: it takes any readable `success` for an answer", () => {
    expect(withStatus(503).map(swiftOnDevice)).toEqual(withStatus(503).map(() => "done"))
    for (const answer of withStatus(400, 401, 408, 413, 415, 500))
      expect(swiftOnDevice(answer)).toBe("sent again")
    for (const answer of withStatus(202)) expect(swiftOnDevice(answer)).toBe("done")
  })
})
