import { useEffect, useRef, useState } from "preact/hooks"
import { Button } from "../parts/Button.tsx"
import { Logo } from "../parts/Icon.tsx"
import type { Session } from "../state/session.ts"
import { signIn } from "../state/session.ts"

type SignedOut = Extract<Session, { readonly _tag: "SignedOut" }>

/** A first visit is no failure, and is not called one. */
const messageOf = ({ failure }: SignedOut): string | null =>
  failure === null || failure.message === "sign in first" ? null : failure.message

export const SignIn = ({ session }: { readonly session: SignedOut }) => {
  const [failure, fail] = useState(messageOf(session))
  const [isBusy, busy] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    document.title = "Sign in · millrace"
    field.current?.focus()
  }, [])
  const submit = async (event: Event) => {
    event.preventDefault()
    const token = field.current?.value.trim() ?? ""
    if (token === "" || isBusy) return
    busy(true)
    const failed = await signIn(token)
    busy(false)
    if (failed === null) return
    fail(failed.status === 401 ? "This token is not right." : failed.message)
    field.current?.select()
  }
  return (
    <main class="sign-in">
      <form class="sign-in-form" onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>Sign in</h1>
        <label class="field">
          <span>Admin token</span>
          <input
            ref={field}
            type="password"
            autocomplete="current-password"
            aria-invalid={failure !== null}
            aria-describedby="sign-in-says"
            required
          />
          <span id="sign-in-says" class="field-says ink-dead" role="alert">
            {failure}
          </span>
        </label>
        <Button kind="main" type="submit" off={isBusy ? "Signing in…" : null} onClick={() => {}}>
          Sign in
        </Button>
        <p class="quiet">
          The server was started with it, as <code>--admin-token</code> or <code>MILLRACE_ADMIN_TOKEN</code>.
          In development the start prints a link that signs in by itself.
        </p>
      </form>
    </main>
  )
}
