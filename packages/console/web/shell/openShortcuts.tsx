import { lazy } from "../parts/lazy.tsx"
import { openDialog } from "../state/dialogs.ts"

const ShortcutsDialog = lazy("ShortcutsDialog")

export const openShortcuts = (): void => openDialog((close) => <ShortcutsDialog close={close} />)
