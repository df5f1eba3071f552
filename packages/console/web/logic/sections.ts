/** The sections of a text, by their names: each begins with a line `== NAME`. */
export const sectionsOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .split(/^== /m)
      .slice(1)
      .map((section) => {
        const end = section.indexOf("\n")
        return [section.slice(0, end), section.slice(end + 1).trimEnd()]
      }),
  )
