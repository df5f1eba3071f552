/** What is not needed for the first page: one file, loaded when something of it is first drawn. */

export { DestinationsPage } from "./pages/destinations/DestinationsPage.tsx"
export { HealthPage } from "./pages/health/HealthPage.tsx"
export { KeysPage } from "./pages/keys/KeysPage.tsx"
export { LettersPage } from "./pages/letters/LettersPage.tsx"
export { Live } from "./pages/live/Live.tsx"
export { FirstRun } from "./pages/overview/FirstRun.tsx"
export { StoreDown } from "./pages/overview/StoreDown.tsx"
export { Chart } from "./parts/Chart.tsx"
export { ShortcutsDialog } from "./shell/Shortcuts.tsx"
export { SignIn } from "./shell/SignIn.tsx"
