// Next.js calls this once, when the server starts.
export const register = async () => {
  if (process.env.NEXT_RUNTIME !== "nodejs") return
  const { millrace } = await import("./millrace.ts")
  const running = await millrace
  process.once("SIGTERM", () => void running.close()) // sends what is pending
}
