import type { ComponentChild, ComponentChildren } from "preact"

interface CardProps {
  readonly title?: ComponentChild
  readonly hint?: ComponentChild
  /** At the right of the title. */
  readonly actions?: ComponentChildren
  readonly class?: string
  readonly children?: ComponentChildren
}

export const Card = ({ title, hint, actions, children, ...rest }: CardProps) => (
  <section class={`card ${rest.class ?? ""}`}>
    {title && (
      <header class="card-head">
        <div class="card-title">
          <h2>{title}</h2>
          {hint && <p>{hint}</p>}
        </div>
        {actions && (
          <>
            <div class="spacer" />
            {actions}
          </>
        )}
      </header>
    )}
    {children}
  </section>
)
