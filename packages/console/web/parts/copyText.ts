import { say } from "../state/messages.ts"

/** Puts a text on the clipboard; without one, as over plain http, it says so. */
export const copyText = async (text: string, done = "Copied"): Promise<void> => {
  try {
    await navigator.clipboard.writeText(text)
    say(done)
  } catch {
    say("This browser does not let the page copy here")
  }
}
