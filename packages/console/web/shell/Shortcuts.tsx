import { Fragment } from "preact"
import { Dialog } from "../parts/Dialog.tsx"
import { Toggle } from "../parts/Toggle.tsx"
import { setShortcuts, shortcuts } from "../state/preferences.ts"

const help = [
  ["/", "Find"],
  ["Ctrl K", "Find, also while writing"],
  ["g then o l d x h k", "Go to Overview, Live, Destinations, Dead letters, Health, Keys"],
  ["j k", "Next, previous row"],
  ["Enter", "Open the row"],
  ["Escape", "Close what is open"],
  ["Space", "Pause or go on (Live)"],
  ["f", "Event Filtering (a destination)"],
  ["h", "Hide or show users' values"],
  ["t", "Light or dark"],
  ["?", "This list"],
] as const

export const ShortcutsDialog = ({ close }: { readonly close: () => void }) => (
  <Dialog title="Keyboard shortcuts" size="small" onClose={close}>
    <dl class="keys-list">
      {help.map(([keys, what]) => (
        <Fragment key={keys}>
          <dt>{keys.split(" ").map((key) => (key === "then" ? " then " : <kbd key={key}>{key}</kbd>))}</dt>
          <dd>{what}</dd>
        </Fragment>
      ))}
    </dl>
    <Toggle label="Single-key shortcuts" on={shortcuts.value} onFlip={setShortcuts} />
  </Dialog>
)
