import type { ComponentChild, ComponentChildren } from "preact"
import { useEffect } from "preact/hooks"
import { title as tabTitle } from "../state/route.ts"

interface PageProps {
  /** In the tab, and in the list of what was visited. */
  readonly title: string
  readonly width?: "wide" | "narrow"
  readonly class?: string
  readonly children?: ComponentChildren
}

/** The frame of every page's content. It has one `h1`, and says its title to the tab. */
export const Page = ({ title, width, children, ...rest }: PageProps) => {
  useEffect(() => {
    tabTitle.value = title
  }, [title])
  return <div class={`page${width === undefined ? "" : ` is-${width}`} ${rest.class ?? ""}`}>{children}</div>
}

interface PageHeadProps {
  readonly title: ComponentChild
  /** A link back to where the page is one of several. */
  readonly crumbs?: ComponentChild
  readonly subtitle?: ComponentChild
  readonly children?: ComponentChildren
}

export const PageHead = ({ title, crumbs, subtitle, children }: PageHeadProps) => (
  <header class="page-head">
    {crumbs || subtitle ? (
      <div class="stack">
        {crumbs && <div class="crumbs">{crumbs}</div>}
        <h1>{title}</h1>
        {subtitle}
      </div>
    ) : (
      <h1>{title}</h1>
    )}
    <div class="spacer" />
    {children}
  </header>
)
