import { read } from "../test/sources.ts"
import { api } from "./api.ts"
import { destinationOptions } from "./destinationOptions.ts"
import { openApi } from "./openApi.ts"
import { settings } from "./settings.ts"

/** A document that is made of the code, whole or in part. */
export interface Generated {
  readonly file: string
  readonly text: () => string
  /** It may be older than the code is: every comment stands in it. */
  readonly mayBeOld?: true
}

/** The document with something between its marks `<!-- name -->` and `<!-- end -->`. */
const between = (file: string, name: string, content: () => string): Generated => ({
  file,
  text: () => {
    const [start, end] = [`<!-- ${name} -->\n`, "<!-- end -->"]
    const [before, rest] = read(file).split(start)
    const after = rest?.split(end)
    if (after?.length !== 2) throw new Error(`${file} has no place for ${name}`)
    return `${before}${start}\n${content()}\n${end}${after[1]}`
  },
})

/** `npm run documents` writes them, and a test says when one is old. */
export const generated: ReadonlyArray<Generated> = [
  { file: "docs/openapi.json", text: () => `${JSON.stringify(openApi(), null, 2)}\n` },
  between("docs/destinations.md", "options of a destination", destinationOptions),
  { ...between("docs/api.md", "names of the packages", api), mayBeOld: true },
  between("docs/configuration.md", "settings of serve", settings),
]
