import { count } from "../text/numbers.ts"

export interface Tab {
  readonly id: string
  readonly text: string
  readonly href: string
  readonly count?: number
}

/** Links, not script tabs: each has an address of its own. */
export const Tabs = ({ tabs, current }: { readonly tabs: ReadonlyArray<Tab>; readonly current: string }) => (
  <nav class="tabs" aria-label="Parts of this page">
    {tabs.map((tab) => (
      <a key={tab.id} href={tab.href} aria-current={tab.id === current ? "page" : undefined}>
        {tab.text}
        {tab.count ? <span class="count"> {count(tab.count)}</span> : null}
      </a>
    ))}
  </nav>
)
