/** Why a call gave nothing: what the API has answered, or `status: 0` when there was no answer. */
export interface Failure {
  readonly status: number
  readonly message: string
}

export type Reply<A> =
  | { readonly ok: true; readonly value: A }
  | { readonly ok: false; readonly failure: Failure }

export const failed = (
  status: number,
  message: string,
): { readonly ok: false; readonly failure: Failure } => ({
  ok: false,
  failure: { status, message },
})

const messageIn = async (response: Response): Promise<string> => {
  try {
    const body: unknown = await response.json()
    if (typeof body === "object" && body !== null && "message" in body) return String(body.message)
  } catch {
    // Something between the page and the server has answered: its status says more than its page.
  }
  return `The server has answered ${response.status} ${response.statusText}`.trim()
}

/** What an answer that is no success says. */
export const failureOf = async (response: Response): Promise<Failure> => ({
  status: response.status,
  message: await messageIn(response),
})
