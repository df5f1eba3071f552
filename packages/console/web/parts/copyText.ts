import { say } from "../state/messages.ts"

/**
 * Puts a text on the clipboard, and says so. Over plain http, except on this machine, there is
 * none: the reader can still select the text.
 */
export const copyText = async (text: string, done = "Copied"): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text)
    say(done)
    return true
  } catch {
    say("This browser does not let the page copy here")
    return false
  }
}
