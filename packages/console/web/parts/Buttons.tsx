import { Button, type ButtonProps } from "./Button.tsx"

interface ButtonsProps extends ButtonProps {
  readonly onCancel: () => void
}

/** The foot of a dialog: the harmless button, and the one that does what the dialog is about. */
export const CancelOr = ({ onCancel, ...rest }: ButtonsProps) => (
  <>
    <Button onClick={onCancel}>Cancel</Button>
    <Button kind="main" changes {...rest} />
  </>
)

/** The foot of a dialog that only shows something: it has the focus. */
export const CloseButton = ({ onClose }: { readonly onClose: () => void }) => (
  <Button autofocus onClick={onClose}>
    Close
  </Button>
)
