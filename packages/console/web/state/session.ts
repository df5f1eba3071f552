import { call } from "../api/call.ts"
import type { Failure } from "../api/failure.ts"
import { onSignedOut } from "../api/request.ts"
import type { OutputOf } from "../api/rows.ts"
import { computed, signal } from "./signals.ts"

export type Session =
  | { readonly _tag: "Checking" }
  /** With a message when it was ended, or could not begin. */
  | { readonly _tag: "SignedOut"; readonly failure: Failure | null }
  | { readonly _tag: "SignedIn"; readonly role: "full" | "read" }

export const session = signal<Session>({ _tag: "Checking" })

/** What the server says of itself, once signed in. */
export const server = signal<OutputOf<"status"> | null>(null)

export const isReadOnly = computed(() => session.value._tag === "SignedIn" && session.value.role === "read")

const begin = (role: "full" | "read"): void => {
  session.value = { _tag: "SignedIn", role }
  void call("status", {}).then((reply) => {
    if (reply.ok) server.value = reply.value
  })
}

export const signIn = async (token: string): Promise<Failure | null> => {
  const reply = await call("console/sign-in", { token })
  if (!reply.ok) return reply.failure
  begin(reply.value.role)
  return null
}

export const signOut = async (): Promise<void> => {
  await call("console/sign-out", {})
  session.value = { _tag: "SignedOut", failure: null }
}

/** Takes the one-time token of the link that a start prints, and out of the address at once. */
const tokenInAddress = (): string | null => {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1]
  if (token === undefined) return null
  history.replaceState(null, "", "#/overview")
  return decodeURIComponent(token)
}

export const startSession = async (): Promise<void> => {
  onSignedOut(() => {
    const was = session.value._tag
    const failure = { status: 401, message: "The session has ended. Sign in again." }
    session.value = { _tag: "SignedOut", failure: was === "SignedIn" ? failure : null }
  })
  const token = tokenInAddress()
  if (token !== null) {
    const failure = await signIn(token)
    if (failure !== null) session.value = { _tag: "SignedOut", failure }
    return
  }
  const reply = await call("console/whoami", {})
  if (reply.ok) begin(reply.value.role)
  else if (session.value._tag === "Checking") session.value = { _tag: "SignedOut", failure: reply.failure }
}
