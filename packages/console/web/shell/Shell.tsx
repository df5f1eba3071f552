import type { ComponentChild } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { IconButton } from "../parts/Button.tsx"
import { Logo } from "../parts/Icon.tsx"
import { lazy } from "../parts/lazy.tsx"
import { Empty } from "../parts/Notice.tsx"
import { closeAllDialogs, closeDialog, dialogs } from "../state/dialogs.ts"
import { announced, toast } from "../state/messages.ts"
import { route } from "../state/route.ts"
import { session } from "../state/session.ts"
import { flipTheme, theme } from "../state/theme.ts"
import { Banners } from "./Banners.tsx"
import { ConnectionBeat } from "./ConnectionBeat.tsx"
import { Find } from "./Find.tsx"
import { BottomBar, SideBar } from "./Navigation.tsx"
import { pages } from "./pages.ts"

const SignIn = lazy("SignIn")

const Dialogs = () => (
  <>
    {dialogs.value.map(({ key, draw }) => (
      <OneDialog key={key} draw={() => draw(() => closeDialog(key))} />
    ))}
  </>
)

/** A component, so that what it reads of signals draws it anew, and nothing else. */
const OneDialog = ({ draw }: { readonly draw: () => ComponentChild }) => draw()

const Messages = () => (
  <>
    <div class={`toast${toast.value.isShown ? " is-shown" : ""}`} role="status">
      {toast.value.text}
    </div>
    <div class="sr" role="status">
      {announced.value}
    </div>
  </>
)

/** A page that is opened has the focus: what is read next is its content, not the navigation. */
const Main = () => {
  const main = useRef<HTMLElement>(null)
  const { page, args } = route.value
  const address = [page, ...args].join("/")
  const first = useRef(true)
  const Page = pages[page]?.page
  useEffect(() => {
    if (first.current) {
      first.current = false
      return
    }
    closeAllDialogs()
    scrollTo(0, 0)
    main.current?.focus({ preventScroll: true })
  }, [address])
  return (
    <main id="main" class="main" tabIndex={-1} ref={main}>
      {Page === undefined ? (
        <div class="page">
          <h1 class="sr">No such page</h1>
          <Empty title="There is no such page.">
            <a href="#/overview">Overview</a>
          </Empty>
        </div>
      ) : (
        <Page key={page} />
      )}
    </main>
  )
}

const Top = () => (
  <header class="top">
    <a class="brand is-small" href="#/overview" aria-label="Overview">
      <Logo />
    </a>
    <Find />
    <ConnectionBeat />
    <IconButton
      label="Switch between light and dark (t)"
      icon={theme.value === "dark" ? "sun" : "moon"}
      onClick={flipTheme}
    />
  </header>
)

export const Shell = () => {
  const { value } = session
  if (value._tag === "Checking") return null
  if (value._tag === "SignedOut") return <SignIn session={value} />
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        To the content
      </button>
      <SideBar />
      <div class="frame">
        <Top />
        <Banners />
        <Main />
      </div>
      <BottomBar />
      <Messages />
      <Dialogs />
    </>
  )
}
