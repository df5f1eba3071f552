import { Button } from "../parts/Button.tsx"
import { Banner } from "../parts/Notice.tsx"
import { now } from "../state/clock.ts"
import { isReadOnly } from "../state/session.ts"
import { connection, lostFor, status, tryAgain } from "../state/status.ts"
import { shown } from "../text/escape.ts"
import { clock, span } from "../text/times.ts"

const Disconnected = () => {
  const { value } = connection
  if (value._tag !== "Lost") return null
  const at = now.value
  const wait = value.retryAt === null ? 0 : Math.max(Math.ceil((value.retryAt - Date.now()) / 1000), 0)
  return (
    <Banner
      label="Connection"
      tone="dead"
      action={
        <Button small onClick={tryAgain}>
          Try now
        </Button>
      }
    >
      <b>Disconnected for {lostFor(Date.now())}.</b>
      {status.value !== null && ` What you see is from ${clock(status.value.at)}.`}
      {wait > 0 && at > 0 ? ` Trying again in ${wait} s.` : " Trying again."} Delivery does not depend on this
      page.
    </Banner>
  )
}

const StoreDown = () => {
  const store = status.value?.store
  if (store === undefined || store.problem === null) return null
  const lasts = store.problemSince === null ? "" : `, for ${span(now.value - store.problemSince)}`
  return (
    <Banner label="Store" tone="dead">
      <b>The store does not answer</b> ({shown(store.problem)}
      {lasts}). New requests get 503, and SDKs keep their events and send them again. What was answered 202 is
      safe.
    </Banner>
  )
}

const ReadOnly = () =>
  isReadOnly.value ? (
    <Banner label="Access" icon="eye">
      <b>Read-only.</b> You see everything but users' values, and change nothing. Sign in with the admin token
      to change something.
    </Banner>
  ) : null

/** What is to be known on every page. */
export const Banners = () => (
  <>
    <Disconnected />
    <StoreDown />
    <ReadOnly />
  </>
)
