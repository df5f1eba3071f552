import type { Failure } from "../api/failure.ts"
import { shown } from "../text/escape.ts"
import { Notice } from "./Notice.tsx"

/** What could not be done, with the API's own message, beside the button that asked for it. */
export const Refused = ({ failure }: { readonly failure: Failure | null }) =>
  failure === null ? null : (
    <Notice tone="dead" title="This could not be done.">
      {failure.message.split("\n").map((line) => (
        <span key={line} class="said-line">
          {shown(line)}
        </span>
      ))}
    </Notice>
  )
