/** What a script answers, as an error, when the store it was to work on is not there any more. */
export const emptied = "EMPTIED"

/** The same, when what it needs is missing. */
export const damaged = "DAMAGED"
