/** What this browser keeps for the reader: choices, never data. */
export const kept = (key: string, fallback: string): string => {
  try {
    return localStorage.getItem(`millrace.${key}`) ?? fallback
  } catch {
    return fallback
  }
}

export const keep = (key: string, value: string): void => {
  try {
    localStorage.setItem(`millrace.${key}`, value)
  } catch {
    // A private window: for this page only.
  }
}
