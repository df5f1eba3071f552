import { useMemo, useState } from "preact/hooks"
import { call } from "../api/call.ts"
import { byDefault, type Selection, sameSelection } from "../logic/filterForm.ts"
import { linesOf } from "../logic/filterSays.ts"
import { mistakesOf, saidOf, unplaced } from "../logic/problems.ts"
import { type Language, languages, secretVariable } from "../logic/receiverCode.ts"
import { makeSecret } from "../logic/signingSecret.ts"
import { judge, nameFor, nameProblem } from "../logic/webhookUrl.ts"
import { Button } from "../parts/Button.tsx"
import { CancelOr } from "../parts/Buttons.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Field, Said } from "../parts/Field.tsx"
import { Radios } from "../parts/Radios.tsx"
import { Refused } from "../parts/Refused.tsx"
import { Sample } from "../parts/Sample.tsx"
import { Segments } from "../parts/Segments.tsx"
import { ShownOnce } from "../parts/ShownOnce.tsx"
import { TextInput } from "../parts/TextInput.tsx"
import { useAct } from "../parts/useAct.ts"
import receiversUrl from "../samples/receivers.txt?url"
import { now } from "../state/clock.ts"
import { openDialog } from "../state/dialogs.ts"
import { say } from "../state/messages.ts"
import { destinationHref, go } from "../state/route.ts"
import { status } from "../state/status.ts"
import { short } from "../text/numbers.ts"
import { when } from "../text/times.ts"
import { DraftFilterDialog } from "./FilterDialog.tsx"
import { Sending, type TestDelivery, TestReply } from "./TestReply.tsx"

type From = "now" | "earliest"

interface BeginsProps {
  readonly from: From
  readonly onPick: (from: From) => void
}

const Begins = ({ from, onPick }: BeginsProps) => {
  const store = status.value?.store
  const kept =
    store === undefined || store.oldestAt === null
      ? "none yet"
      : `${short(store.events)} events, since ${when(store.oldestAt, now.peek())}`
  return (
    <Radios
      legend="Begins with"
      name="from"
      options={[
        ["now", "what comes from now on"],
        ["earliest", "the oldest event kept", kept],
      ]}
      value={from}
      onPick={onPick}
    />
  )
}

const Receiver = () => {
  const [language, pick] = useState<Language>("Express")
  return (
    <section>
      <div class="line">
        <h3>A receiver</h3>
        <Segments label="Language" options={languages} value={language} onPick={pick} />
        <small>The secret stands in {secretVariable}.</small>
      </div>
      <Sample url={receiversUrl} name={language} />
    </section>
  )
}

const getsSays = (selection: Selection): string => {
  if (sameSelection(selection, byDefault)) return "Gets everything but what SDKs say about themselves."
  const differ = linesOf(byDefault)
  const own = linesOf(selection).filter(
    ({ name, value }) => !differ.some((line) => line.name === name && line.value === value),
  )
  return `${own.map(({ name, value }) => `${name}: ${value}`).join(". ")}.`
}

const toneClass = { flow: "ink-flow", wait: "ink-wait", skip: "", dead: "ink-dead" }

/**
 * One dialog, and nothing is saved before "Enable": URL, test delivery, secret, receiver, filter.
 */
export const ConnectDialog = ({ onClose }: { readonly onClose: () => void }) => {
  const taken = (status.value?.destinations ?? []).map(({ id }) => id)
  const secret = useMemo(() => makeSecret((bytes) => crypto.getRandomValues(bytes)), [])
  const [url, setUrl] = useState("")
  const [ownName, setName] = useState<string | null>(null)
  const [from, begin] = useState<From>("now")
  const [selection, select] = useState<Selection>(byDefault)
  const [tested, show] = useState<{ readonly url: string; readonly delivery: TestDelivery } | null>(null)
  const test = useAct()
  const enable = useAct()

  const name = ownName ?? nameFor(url, taken)
  const delivery = tested?.url === url ? tested.delivery : null
  const judged = judge(url, delivery?.address ?? null)
  const mistakes = enable.failure?.status === 400 ? mistakesOf(enable.failure.message) : []
  const nameSaid = name === "" && url === "" ? null : nameProblem(name, taken)
  const urlMistake = saidOf(mistakes, "url")

  const destination = {
    id: name,
    url: url.trim(),
    from,
    signing: { standardWebhooks: [secret] },
    ...(sameSelection(selection, byDefault) ? {} : { filter: selection.filter, fields: selection.fields }),
  }
  const send = () => {
    // A name that is not there yet must not keep anybody from testing.
    const tried = { ...destination, id: nameProblem(name, []) === null ? name : "webhook" }
    test.act(
      () => call("destinations/test", { destination: tried }),
      (delivery) => show({ url, delivery }),
    )
  }
  const save = () =>
    enable.act(
      () => call("destinations/add", { destination }),
      () => {
        onClose()
        say(
          `${name} is enabled and gets events ${from === "now" ? "from now on" : "from the oldest kept on"}`,
        )
        go(destinationHref(name))
      },
    )
  const why = !judged.isUrl
    ? "It needs a webhook URL."
    : (nameSaid ?? (enable.isBusy ? "It is being enabled." : null))
  return (
    <Dialog
      title="Connect a webhook"
      subtitle="Generic Webhook"
      size="large"
      onClose={onClose}
      actions={
        <CancelOr off={why} onCancel={onClose} onClick={save}>
          Enable
        </CancelOr>
      }
    >
      <div class="form">
        <div class="field">
          <label for="webhook-url">Webhook URL</label>
          <div class="with-button">
            <TextInput
              id="webhook-url"
              type="url"
              value={url}
              required
              placeholder="https://example.com/events"
              aria-describedby="webhook-url-says"
              onText={setUrl}
            />
            <Button
              changes
              off={!judged.isUrl ? "It needs a webhook URL." : test.isBusy ? "One is under way." : null}
              onClick={send}
            >
              Send test event
            </Button>
          </div>
          {urlMistake === null ? (
            <p
              id="webhook-url-says"
              class={`field-says ${judged.tone === null ? "" : toneClass[judged.tone]}`}
              aria-live="polite"
            >
              {judged.text}
            </p>
          ) : (
            <Said id="webhook-url-says" mistake={urlMistake} />
          )}
        </div>
        {test.isBusy ? (
          <Sending />
        ) : (
          delivery !== null && test.failure === null && <TestReply delivery={delivery} />
        )}
        <Refused failure={test.failure} />
        <div class="fields">
          <Field
            label="Name"
            id="name-says"
            mistake={saidOf(mistakes, "id") ?? (ownName === null ? null : nameSaid)}
            hint="Names the destination everywhere; it stays."
          >
            <TextInput value={name} aria-describedby="name-says" onText={setName} />
          </Field>
          <Begins from={from} onPick={begin} />
        </div>
        <ShownOnce title="Signing secret" secret={secret} label="Copy the secret">
          Shown this once: copy it now. Another can be made at any time, and both are valid while you change
          over.
        </ShownOnce>
        <Receiver />
        <div class="line">
          <p class="ink-3">{getsSays(selection)}</p>
          <Button
            small
            icon="filter"
            onClick={() =>
              openDialog((close) => <DraftFilterDialog saved={selection} onSave={select} onClose={close} />)
            }
          >
            Event Filtering
          </Button>
        </div>
        <Refused
          failure={
            enable.failure !== null && (mistakes.length === 0 || unplaced(mistakes, ["url", "id"]).length > 0)
              ? enable.failure
              : null
          }
        />
      </div>
    </Dialog>
  )
}
