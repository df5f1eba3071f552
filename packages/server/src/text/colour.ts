import { styleText } from "node:util"

// Node leaves texts as they are where the stream is no terminal, or NO_COLOR is set.

type Style = Parameters<typeof styleText>[0]

const on =
  (stream: NodeJS.WriteStream) =>
  (style: Style, text: string): string =>
    styleText(style, text, { stream })

/** Colours what goes to standard output, on a terminal. */
export const onStdout = on(process.stdout)

/** Colours what goes to standard error, on a terminal. */
export const onStderr = on(process.stderr)

/** The names of a table's columns. */
export const heading = (line: string): string => onStdout("bold", line)
