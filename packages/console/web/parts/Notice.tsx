import type { ComponentChild, ComponentChildren } from "preact"
import type { Failure as FailureValue } from "../api/failure.ts"
import type { Tone } from "../text/words.ts"
import { Button } from "./Button.tsx"
import { Icon, type IconName } from "./Icon.tsx"

interface NoticeProps {
  readonly tone: Tone
  readonly title: ComponentChild
  readonly icon?: IconName
  readonly actions?: ComponentChildren
  readonly children?: ComponentChildren
}

export const Notice = ({ tone, title, icon = "warn", actions, children }: NoticeProps) => (
  <div class={`notice tone-${tone}`} role={tone === "dead" ? "alert" : "status"}>
    <Icon name={icon} />
    <div>
      <b>{title}</b>
      {children && <p>{children}</p>}
    </div>
    {actions}
  </div>
)

/** In place of what could not be loaded: the API's own message stays until it can. */
export const Failure = ({
  failure,
  retry,
}: {
  readonly failure: FailureValue
  readonly retry: () => void
}) => (
  <Notice
    tone="dead"
    title="This could not be loaded."
    actions={
      <Button small onClick={retry}>
        Try again
      </Button>
    }
  >
    {failure.message}
  </Notice>
)

interface EmptyProps {
  readonly title: ComponentChild
  readonly actions?: ComponentChildren
  readonly children?: ComponentChildren
}

export const Empty = ({ title, actions, children }: EmptyProps) => (
  <div class="empty">
    <h2>{title}</h2>
    {children && <p>{children}</p>}
    {actions && <div class="actions">{actions}</div>}
  </div>
)

/** Grey lines where the content will stand. */
export const Skeleton = ({ rows }: { readonly rows: number }) => (
  <div class="skeleton" role="status" aria-busy="true" aria-label="Loading">
    {Array.from({ length: rows }, (_, at) => (
      <i key={at} style={{ width: `${92 - ((at * 37) % 46)}%` }} />
    ))}
  </div>
)

interface BannerProps {
  readonly label: string
  readonly tone?: "dead"
  readonly icon?: IconName
  readonly action?: ComponentChild
  readonly children?: ComponentChildren
}

/** A bar on all pages. */
export const Banner = ({ label, tone, icon = "warn", action, children }: BannerProps) => (
  <section class={`banner${tone === undefined ? "" : ` tone-${tone}`}`} aria-label={label}>
    <Icon name={icon} />
    <span>{children}</span>
    {action}
  </section>
)
