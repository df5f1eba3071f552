import type { ComponentChild } from "preact"

/** What it is called, what it is, and what is to be known of it besides. */
export type Fact = readonly [name: string, value: ComponentChild, hint?: ComponentChild]

interface FactsProps {
  /** One that is not there is left out. */
  readonly of: ReadonlyArray<Fact | null>
  readonly class?: string
}

/** Names with their values, below each other. */
export const Facts = ({ of, class: kind = "" }: FactsProps) => (
  <dl class={`facts ${kind}`}>
    {of.map(
      (fact) =>
        fact && (
          <>
            <dt>{fact[0]}</dt>
            <dd>
              {fact[1]}
              {fact[2] && <small>{fact[2]}</small>}
            </dd>
          </>
        ),
    )}
  </dl>
)
