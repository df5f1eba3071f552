import { type Failure, failed, failureOf, type Reply } from "./failure.ts"

/** Called when the server says that nobody is signed in (any more). */
let signedOut: (failure: Failure) => void = () => {}

export const onSignedOut = (listener: typeof signedOut): void => {
  signedOut = listener
}

/**
 * Sends one POST to the admin API, at an address relative to the page: it does not know where it is
 * mounted. Never rejects: without an answer the failure has the status 0.
 */
export const request = async (
  name: string,
  input: unknown,
  options: { readonly signal?: AbortSignal | undefined; readonly accept?: string } = {},
): Promise<Reply<Response>> => {
  try {
    const response = await fetch(`admin/v1/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: options.accept ?? "application/json" },
      body: JSON.stringify(input),
      credentials: "same-origin",
      cache: "no-store",
      signal: options.signal ?? null,
    })
    if (response.ok) return { ok: true, value: response }
    const failure = await failureOf(response)
    if (response.status === 401 && name !== "console/sign-in") signedOut(failure)
    return { ok: false, failure }
  } catch (error) {
    if (options.signal?.aborted) return failed(0, "Stopped.")
    return failed(
      0,
      error instanceof Error ? `The server does not answer: ${error.message}` : "The server does not answer.",
    )
  }
}
