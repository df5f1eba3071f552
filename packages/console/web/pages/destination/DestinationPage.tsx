import { useEffect } from "preact/hooks"
import type { Destination } from "../../api/rows.ts"
import { openFiltering, openReplay, openTest } from "../../dialogs/open.tsx"
import { Button } from "../../parts/Button.tsx"
import { Empty } from "../../parts/Notice.tsx"
import { Page, PageHead } from "../../parts/Page.tsx"
import { Pill } from "../../parts/Pill.tsx"
import { Soon } from "../../parts/Soon.tsx"
import { Tabs } from "../../parts/Tabs.tsx"
import { onKey } from "../../shell/keys.ts"
import { destinationHref, go } from "../../state/route.ts"
import { status } from "../../state/status.ts"
import { stateOf } from "../../text/destinationState.ts"
import { shown } from "../../text/escape.ts"
import { states } from "../../text/words.ts"
import { DestinationMenu } from "../destinations/DestinationMenu.tsx"
import { Attempts } from "./Attempts.tsx"
import { Filtering } from "./Filtering.tsx"
import { Overview } from "./Overview.tsx"
import { Settings } from "./Settings.tsx"

interface DestinationPageProps {
  readonly id: string
  readonly tab: string
}

const crumbs = (
  <nav aria-label="Path">
    <a href="#/destinations">Destinations</a>
  </nav>
)

const NotThere = ({ id }: { readonly id: string }) => (
  <Page title="Not found">
    <h1 class="sr">Not found</h1>
    <Empty
      title="There is no destination of this name."
      actions={
        <Button kind="main" onClick={() => go("#/destinations")}>
          All destinations
        </Button>
      }
    >
      {shown(id)} may have been removed, or is called otherwise.
    </Empty>
  </Page>
)

const tabs = [
  ["overview", "Overview"],
  ["attempts", "Attempts"],
  ["filter", "Event filtering"],
  ["settings", "Settings"],
] as const

const Part = ({ row, tab }: { readonly row: Destination; readonly tab: string }) => {
  switch (tab) {
    case "attempts":
      return <Attempts row={row} />
    case "filter":
      return <Filtering row={row} />
    case "settings":
      return <Settings row={row} />
    default:
      return <Overview row={row} />
  }
}

/** One destination: what it does, what went wrong, when it is tried next, and what can be done. */
export const DestinationPage = ({ id, tab }: DestinationPageProps) => {
  useEffect(
    () =>
      onKey((event) => {
        if (event.key === "f") openFiltering(id)
      }),
    [id],
  )
  if (status.value === null) {
    return (
      <Page title={id}>
        <PageHead crumbs={crumbs} title={shown(id)} />
        <Soon rows={10} />
      </Page>
    )
  }
  const row = status.value.destinations.find((one) => one.id === id)
  if (row === undefined) return <NotThere id={id} />
  return (
    <Page title={id}>
      <PageHead
        crumbs={crumbs}
        title={
          <>
            {row.id} <Pill {...states[stateOf(row)]} />
          </>
        }
        subtitle={<small class="url">{shown(row.url)}</small>}
      >
        <Button icon="filter" onClick={() => openFiltering(id)}>
          Event Filtering
        </Button>
        <Button changes onClick={() => openTest(id)}>
          Send test event
        </Button>
        <Button changes onClick={() => openReplay(id)}>
          Replay
        </Button>
        <DestinationMenu row={row} />
      </PageHead>
      <Tabs
        current={tabs.some(([one]) => one === tab) ? tab : "overview"}
        tabs={tabs.map(([one, text]) => ({ id: one, text, href: destinationHref(id, one) }))}
      />
      <Part row={row} tab={tab} />
    </Page>
  )
}
