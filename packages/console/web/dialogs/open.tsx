/** Opens dialogs. */
import { openDialog } from "../state/dialogs.ts"
import { AttemptDialog, type AttemptDialogProps } from "./AttemptDialog.tsx"
import { ConnectDialog } from "./ConnectDialog.tsx"
import { FilterDialog } from "./FilterDialog.tsx"
import { KeyDialog } from "./KeyDialog.tsx"
import { LetterDialog, type LetterDialogProps } from "./LetterDialog.tsx"
import { ReplayDialog } from "./ReplayDialog.tsx"
import { SecretDialog } from "./SecretDialog.tsx"
import { TestDialog } from "./TestDialog.tsx"

export const openConnect = (): void => openDialog((close) => <ConnectDialog onClose={close} />)

export const openFiltering = (id: string): void =>
  openDialog((close) => <FilterDialog id={id} onClose={close} />)

export const openTest = (id: string): void => openDialog((close) => <TestDialog id={id} onClose={close} />)

export const openReplay = (id: string, kind: "replay" | "rewind" = "replay"): void =>
  openDialog((close) => <ReplayDialog id={id} kind={kind} onClose={close} />)

export const openAttempt = (props: Omit<AttemptDialogProps, "onClose">): void =>
  openDialog((close) => <AttemptDialog {...props} onClose={close} />)

export const openNewSecret = (id: string, onDone: () => void): void =>
  openDialog((close) => <SecretDialog id={id} onDone={onDone} onClose={close} />)

export const openLetter = (props: Omit<LetterDialogProps, "onClose">): void =>
  openDialog((close) => <LetterDialog {...props} onClose={close} />)

export const openCreateKey = (onDone: () => void): void =>
  openDialog((close) => <KeyDialog onDone={onDone} onClose={close} />)
