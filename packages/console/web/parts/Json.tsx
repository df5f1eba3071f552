import { useState } from "preact/hooks"
import { shown } from "../text/escape.ts"
import { bytes, count } from "../text/numbers.ts"
import { Button } from "./Button.tsx"
import { type Changes, type Line, linesOf } from "./json.ts"

/** Lines at first: more are there for whoever asks. */
const collapsed = 200

/** Lines at most in the document: a mebibyte of small numbers has fifty thousand. */
const mostLines = 5_000

/** Characters of one value at first: a text of a mebibyte is one line, too. */
const longest = 2_000

const Value = ({ line }: { readonly line: Line }) => {
  const [isWhole, whole] = useState(false)
  const text = shown(line.value)
  const rest = text.length - longest
  return (
    <>
      {line.kind === "mark" ? (
        text
      ) : (
        <span class={`json-${line.kind}`}>{isWhole || rest <= 0 ? text : text.slice(0, longest)}</span>
      )}
      {!isWhole && rest > 0 && (
        <button type="button" class="link quiet" onClick={() => whole(true)}>
          … {bytes(rest)} more
        </button>
      )}
    </>
  )
}

const Row = ({ line }: { readonly line: Line }) => {
  const inside = (
    <>
      {line.key !== null && (
        <>
          <span class="json-key">{shown(line.key)}</span>
          {": "}
        </>
      )}
      <Value line={line} />
      {line.tail}
    </>
  )
  const isDropped = line.change === "dropped"
  return (
    <div class={`json-line${isDropped ? " is-dropped" : ""}`} style={{ paddingLeft: `${line.depth * 16}px` }}>
      {isDropped ? <del>{inside}</del> : inside}
      {line.change !== null && <em class="json-note">{line.change}</em>}
    </div>
  )
}

interface JsonProps {
  readonly value: unknown
  readonly changes?: Changes
  readonly label?: string
}

/** A value as lines of text nodes: whatever stands in it is shown, and nothing of it is run. */
export const Json = ({ value, changes = {}, label = "JSON" }: JsonProps) => {
  const [most, show] = useState(collapsed)
  const { lines, total } = linesOf(value, changes, Math.min(most, mostLines))
  return (
    <div class="json" tabIndex={0} role="region" aria-label={label}>
      {lines.map((line, at) => (
        <Row key={at} line={line} />
      ))}
      {total > lines.length && (
        <p>
          {most < mostLines ? (
            <Button small onClick={() => show(mostLines)}>
              Show {count(Math.min(total, mostLines) - lines.length)} more lines
            </Button>
          ) : (
            <small>{count(total - lines.length)} more lines are left out: copy it to see them.</small>
          )}
        </p>
      )}
    </div>
  )
}
