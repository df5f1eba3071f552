import type { ButtonHTMLAttributes, ComponentChildren } from "preact"
import { locked } from "../state/status.ts"
import { Icon, type IconName } from "./Icon.tsx"

interface Acting {
  readonly onClick?: ((event: MouseEvent) => void) | undefined
  /** Why it cannot be done; the button stays visible and focusable, and says it. */
  readonly off?: string | null | undefined
  /** It changes something: off in read-only and while disconnected. */
  readonly changes?: boolean
}

/** What makes a button of something that may be off: it never does anything, and says why. */
const acting = ({ onClick, off, changes }: Acting) => {
  const why = (changes === true ? locked.value : null) ?? off ?? null
  return {
    type: "button" as const,
    "aria-disabled": why === null ? undefined : ("true" as const),
    title: why ?? undefined,
    onClick: (event: MouseEvent) => {
      if (why === null) onClick?.(event)
      else event.preventDefault()
    },
  }
}

type Others = Omit<ButtonHTMLAttributes, "onClick" | "icon" | "title">

export interface ButtonProps extends Acting, Others {
  readonly kind?: "plain" | "main" | "danger"
  readonly icon?: IconName
  readonly small?: boolean
  readonly children?: ComponentChildren
}

export const Button = ({
  kind = "plain",
  icon,
  small = false,
  children,
  onClick,
  off,
  changes = false,
  type,
  ...rest
}: ButtonProps) => (
  <button
    {...acting({ onClick, off, changes })}
    {...rest}
    type={type ?? "button"}
    class={`button is-${kind}${small ? " is-small" : ""} ${rest.class ?? ""}`}
  >
    {icon && <Icon name={icon} />}
    {children !== undefined && <span>{children}</span>}
  </button>
)

export interface IconButtonProps extends Acting, Others {
  readonly icon: IconName
  readonly label: string
}

export const IconButton = ({ icon, label, onClick, off, changes = false, ...rest }: IconButtonProps) => {
  const base = acting({ onClick, off, changes })
  return (
    <button {...base} title={base.title ?? label} aria-label={label} {...rest} class="icon-button">
      <Icon name={icon} />
    </button>
  )
}
