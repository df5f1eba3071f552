/** Opens dialogs: each is loaded when it is first asked for. */
import type { ComponentChild } from "preact"
import type { Failure } from "../api/failure.ts"
import type { Selection } from "../logic/filterForm.ts"
import { openDialog } from "../state/dialogs.ts"
import { showFailure } from "./Ask.tsx"
import type { AttemptDialogProps } from "./AttemptDialog.tsx"
import type { LetterDialogProps } from "./LetterDialog.tsx"

const offline: Failure = {
  status: 0,
  message: "This part of the page could not be loaded. Is the server there?",
}

const open = <M,>(load: Promise<M>, draw: (module: M, close: () => void) => ComponentChild): void => {
  load.then(
    (module) => openDialog((close) => draw(module, close)),
    () => showFailure("Not now", offline),
  )
}

export const openConnect = (): void =>
  open(import("./ConnectDialog.tsx"), ({ ConnectDialog }, close) => <ConnectDialog onClose={close} />)

export const openFiltering = (id: string): void =>
  open(import("./FilterDialog.tsx"), ({ FilterDialog }, close) => <FilterDialog id={id} onClose={close} />)

/** For a destination that is not there yet: what is chosen goes back to whoever asked. */
export const openDraftFiltering = (saved: Selection, onSave: (selection: Selection) => void): void =>
  open(import("./FilterDialog.tsx"), ({ DraftFilterDialog }, close) => (
    <DraftFilterDialog saved={saved} onSave={onSave} onClose={close} />
  ))

export const openTest = (id: string): void =>
  open(import("./TestDialog.tsx"), ({ TestDialog }, close) => <TestDialog id={id} onClose={close} />)

export const openReplay = (id: string, kind: "replay" | "rewind" = "replay"): void =>
  open(import("./ReplayDialog.tsx"), ({ ReplayDialog }, close) => (
    <ReplayDialog id={id} kind={kind} onClose={close} />
  ))

export const openAttempt = (props: Omit<AttemptDialogProps, "onClose">): void =>
  open(import("./AttemptDialog.tsx"), ({ AttemptDialog }, close) => (
    <AttemptDialog {...props} onClose={close} />
  ))

export const openNewSecret = (id: string, onDone: () => void): void =>
  open(import("./SecretDialog.tsx"), ({ SecretDialog }, close) => (
    <SecretDialog id={id} onDone={onDone} onClose={close} />
  ))

export const openLetter = (props: Omit<LetterDialogProps, "onClose">): void =>
  open(import("./LetterDialog.tsx"), ({ LetterDialog }, close) => <LetterDialog {...props} onClose={close} />)

export const openCreateKey = (onDone: () => void): void =>
  open(import("./KeyDialog.tsx"), ({ KeyDialog }, close) => <KeyDialog onDone={onDone} onClose={close} />)
