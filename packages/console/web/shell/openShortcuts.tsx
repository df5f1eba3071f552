import { lazy } from "../parts/lazy.tsx"
import { openDialog } from "../state/dialogs.ts"

const ShortcutsDialog = lazy(() => import("./Shortcuts.tsx").then((module) => module.ShortcutsDialog))

export const openShortcuts = (): void => openDialog((close) => <ShortcutsDialog close={close} />)
