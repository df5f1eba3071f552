import { type TestPipeline, type TestPipelineOptions, testPipeline } from "@millrace/testkit"
import { onTestFinished } from "vitest"
import type { Streamed, StreamRequest } from "../../src/operate/rows/stream.ts"

/** Gets everything at once. */
export const hook = { id: "hook", url: "https://hook.test/", batch: { maxDelay: 0 } }

/** What shows an SDK: one bad event does not refuse the others. */
export const sdk = { "statsig-sdk-type": "javascript-client", "statsig-sdk-version": "3.33.5" }

export const start = async (options: TestPipelineOptions = {}): Promise<TestPipeline> => {
  const pipeline = await testPipeline({ destinations: [hook], ...options })
  onTestFinished(() => pipeline.close())
  return pipeline
}

/** A view that is read as it is told. */
export const open = async (pipeline: TestPipeline, request: StreamRequest) => {
  const stream = (await pipeline.stream(request))[Symbol.asyncIterator]()
  onTestFinished(async () => void (await stream.return?.()))
  const next = async (): Promise<Streamed> => (await stream.next()).value
  return {
    stream,
    next,
    status: async () => {
      const told = await next()
      if (!("status" in told)) throw new Error("no status")
      return told.status
    },
    frame: async () => {
      const told = await next()
      if (!("frame" in told)) throw new Error("no frame")
      return told.frame
    },
    end: async () => void (await stream.return?.()),
  }
}
