import { testPipeline } from "@millrace/testkit"
import { expect, it } from "vitest"

const destinations = [
  { id: "billing", url: "https://billing.test/" },
  { id: "warehouse", url: "https://warehouse.test/" },
]

it("a receiver that is no destination's is a mistake that names those there are", async () => {
  const pipeline = await testPipeline({ destinations })
  expect(() => pipeline.receiver("biling")).toThrow(
    'no destination is called "biling" (there are billing, warehouse): did you mean billing?',
  )
  expect(() => pipeline.receiver("lake")).toThrow(
    'no destination is called "lake" (there are billing, warehouse)',
  )
  await pipeline.close()
})

it("where there is no destination, the mistake says that", async () => {
  const pipeline = await testPipeline()
  expect(() => pipeline.receiver("lake")).toThrow('no destination is called "lake" (there is none)')
  await pipeline.close()
})

it("a destination that is added, or comes with a restart, has a receiver from then on", async () => {
  const pipeline = await testPipeline({ destinations })
  await pipeline.addDestination({ id: "lake", url: "https://lake.test/" })
  await pipeline.log({ eventName: "page_view" })
  await pipeline.advance("1 minute")
  expect(pipeline.receiver("lake").events).toHaveLength(1)
  await pipeline.close()
  await pipeline.restart({ destinations: [...destinations, { id: "pond", url: "https://pond.test/" }] })
  await pipeline.log({ eventName: "page_view" })
  await pipeline.advance("1 minute")
  expect(pipeline.receiver("pond").events).toHaveLength(1)
  expect(pipeline.receiver("lake").events).toHaveLength(2)
  await pipeline.dispose()
})

it("what is sent to by something else than a destination is known by its URL", async () => {
  const pipeline = await testPipeline({ destinations })
  expect(pipeline.receiver("https://elsewhere.test/").requests).toEqual([])
  await pipeline.close()
})
