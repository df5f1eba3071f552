import { Glyph } from "../../parts/Glyph.tsx"
import { status } from "../../state/status.ts"
import { plural } from "../../text/numbers.ts"

/** What else may have happened to an event that is not kept. */
export const Leads = () => {
  const rejected = status.value?.deadLetters["intake"] ?? 0
  const refused = status.value?.intake.refused ?? 0
  return (
    <>
      <h3>What may have happened</h3>
      <ul class="needs">
        <li class="need">
          <Glyph mark="dead" />
          <div>
            <a href="#/dead-letters?destination=intake">
              {rejected === 0 ? "No event" : plural(rejected, "event")} {rejected < 2 ? "was" : "were"}{" "}
              rejected on arrival
            </a>
            <p>The path and the reason are with each of them.</p>
          </div>
        </li>
        <li class="need">
          <Glyph mark="dead" />
          <div>
            <a href="#/health">
              {refused === 0 ? "No request" : plural(refused, "request")} {refused < 2 ? "was" : "were"}{" "}
              refused as a whole
            </a>
            <p>With a wrong key, or unreadable. Nothing of them is kept.</p>
          </div>
        </li>
        <li class="need">
          <Glyph mark="waiting" />
          <div>
            <b>It is still on its way</b>
            <p>SDKs send every 10 to 60 seconds, and when a page is left.</p>
          </div>
        </li>
      </ul>
    </>
  )
}
