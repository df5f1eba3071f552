/** What production passes to `Millrace.make`, and the test to `testPipeline`. */
export const destinations = [
  { id: "billing", url: "https://billing.example.com/events", filter: { include: ["checkout_*"] } },
]
