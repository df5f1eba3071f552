import { call } from "../../api/call.ts"
import { Button } from "../../parts/Button.tsx"
import { Card } from "../../parts/Card.tsx"
import { Said } from "../../parts/Field.tsx"
import { Glyph } from "../../parts/Glyph.tsx"
import { Sentence } from "../../parts/Sentence.tsx"
import { useAct } from "../../parts/useAct.ts"
import { say } from "../../state/messages.ts"
import { go } from "../../state/route.ts"
import { shown } from "../../text/escape.ts"
import { markOf } from "../../text/words.ts"
import type { Need } from "./attention.ts"

const NeedRow = ({ need }: { readonly need: Need }) => {
  const { failure, act } = useAct()
  const { button } = need
  const press = () => {
    if ("href" in button) return go(button.href)
    const { does, id, done } = button
    act(
      () => call(does, { id }),
      () => say(done),
    )
  }
  return (
    <li class="need">
      <Glyph mark={markOf[need.tone]} />
      <div>
        <h3>
          <a href={need.href}>{shown(need.title)}</a>
        </h3>
        <p>
          <Sentence said={need.text} />
        </p>
        <Said mistake={failure?.message} />
      </div>
      <div class="actions">
        <Button small changes={"does" in button} onClick={press}>
          {button.text}
        </Button>
      </div>
    </li>
  )
}

export const Needs = ({ needs }: { readonly needs: ReadonlyArray<Need> }) => (
  <Card title="Needs attention">
    {needs.length === 0 ? (
      <p class="need need-none">
        <Glyph mark="delivered" />
        Nothing needs you.
      </p>
    ) : (
      <ul class="needs">
        {needs.map((need) => (
          <NeedRow key={need.key} need={need} />
        ))}
      </ul>
    )}
  </Card>
)
