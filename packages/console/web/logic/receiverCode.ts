/**
 * A receiver in a few lines, for whoever connects a webhook: it checks the signature, and takes an
 * event that comes twice once. The secret stands in a variable of the environment, never in it.
 */

/** The variable that the receivers read the secret from. */
export const secretVariable = "MILLRACE_SECRET"

/** As the sections of `samples/receivers.txt` are called. */
export const languages = ["Express", "Python", "Go"] as const

export type Language = (typeof languages)[number]
