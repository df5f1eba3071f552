import type { OutputOf } from "../api/rows.ts"
import { curlFor } from "../logic/curl.ts"
import { Button } from "../parts/Button.tsx"
import { CloseButton } from "../parts/Buttons.tsx"
import { copyText } from "../parts/copyText.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { Glyph } from "../parts/Glyph.tsx"
import { Load, useResource } from "../parts/Load.tsx"
import { lines, Payload, Pre } from "../parts/Pre.tsx"
import { shown } from "../text/escape.ts"
import { bytes, plural } from "../text/numbers.ts"
import { outcomes } from "../text/outcomes.ts"
import { replyText } from "../text/reply.ts"
import { exact, span } from "../text/times.ts"
import { markOf } from "../text/words.ts"
import { headersText } from "./TestReply.tsx"

type Attempt = OutputOf<"attempts/list">["attempts"][number]

type Detail = OutputOf<"attempts/get">

export interface AttemptDialogProps {
  readonly attempt: Attempt
  /** Where the destination is now. */
  readonly url: string
  readonly onClose: () => void
}

const titleOf = ({ outcome, events, status }: Attempt): string => {
  if (outcome === "delivered") return `Delivered ${plural(events, "event")}`
  return status === null ? "No reply" : `Answered ${status}`
}

const Request = ({ url, detail }: { readonly url: string; readonly detail: Detail }) => {
  const { request, attempt } = detail
  if (request === null)
    return <p class="ink-3">Its events are no longer kept, so that it cannot be made again.</p>
  const { pathname, search, host } = URL.canParse(url)
    ? new URL(url)
    : { pathname: url, search: "", host: "" }
  return (
    <>
      <Pre label="The request's head">
        {shown(`POST ${pathname}${search} HTTP/1.1`)}
        {host !== "" && `\nhost: ${shown(host)}`}
        {`\n${headersText(request.headers)}`}
      </Pre>
      <p class="ink-3">
        {plural(attempt.events, "event")}, {bytes(attempt.bytes)} as sent; made again from the log, by the
        filter and field rules of today.
        {request.events < attempt.events && ` Of its events ${request.events} are shown.`}
      </p>
      <Payload text={request.body} label="The request's body" />
    </>
  )
}

/** One attempt: what its outcome means, what was sent, and what came back. */
export const AttemptDialog = ({ attempt, url, onClose }: AttemptDialogProps) => {
  const { destination, webhookId, startedAt, outcome, wait, waitReason, status, error, duration } = attempt
  const detail = useResource("attempts/get", { destination, webhookId, startedAt })
  const { word, means, tone } = outcomes[outcome]
  const request = detail.value.value?.request ?? null
  const reply = replyText(error ?? "")
  return (
    <Dialog
      title={titleOf(attempt)}
      subtitle={`${destination}, ${exact(startedAt)}`}
      size="large"
      onClose={onClose}
      actions={
        <>
          <Button
            icon="copy"
            off={request === null ? "There is no request to copy." : null}
            onClick={() => request && void copyText(curlFor(url, request), "Copied, without the signature")}
          >
            Copy as curl
          </Button>
          <CloseButton onClose={onClose} />
        </>
      }
    >
      <p class="means">
        <Glyph mark={markOf[tone]} />
        <b>{word}.</b> {means}
        {wait !== null &&
          ` Then waited ${span(wait)}${waitReason === null ? "" : ` (${shown(waitReason)})`}.`}
      </p>
      <div class="two">
        <section>
          <h3>Request</h3>
          <Load of={detail} rows={6}>
            {(value) => <Request url={url} detail={value} />}
          </Load>
        </section>
        <section>
          <h3>Reply</h3>
          <p class="ink-3">
            {status === null ? "None" : `${status}`} after {span(duration)}
          </p>
          {reply !== "" && <Pre label="The reply">{lines(reply)}</Pre>}
        </section>
      </div>
    </Dialog>
  )
}
