import "./styles/index.css"
import { render } from "preact"
import { startKeys } from "./shell/keys.ts"
import { Shell } from "./shell/Shell.tsx"
import { startClock } from "./state/clock.ts"
import { startRoute, title, titleMark } from "./state/route.ts"
import { session, startSession } from "./state/session.ts"
import { effect, startSignals } from "./state/signals.ts"
import { startStream, stopStream, watchTab } from "./state/status.ts"
import { startTheme } from "./state/theme.ts"

startSignals()
startTheme()
startRoute()
startClock()
startKeys()
watchTab()

effect(() => {
  if (session.value._tag === "SignedIn") startStream()
  else stopStream()
})

effect(() => {
  if (session.value._tag === "SignedIn") document.title = `${titleMark.value}${title.value} · millrace`
})

const app = document.getElementById("app")!
app.textContent = ""
render(<Shell />, app)
void startSession()
