import { count } from "../text/numbers.ts"
import { Button } from "./Button.tsx"

/** Rows of a list at first, and with each "Show more". */
export const shownAtOnce = 100

interface MoreProps {
  readonly shown: number
  readonly all: number
  readonly onShow: (shown: number) => void
}

/** Below a list that has more than is shown of it. */
export const More = ({ shown, all, onShow }: MoreProps) =>
  all > shown ? (
    <p class="pad">
      <Button small onClick={() => onShow(shown + shownAtOnce)}>
        Show more
      </Button>{" "}
      <small>
        {count(shown)} of {count(all)}
      </small>
    </p>
  ) : null
