import * as Schema from "effect/Schema"

export const expectedHttpUrl = "expected a URL with http or https"

export const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol)

/** A URL that can be fetched, as text. */
export const HttpUrl = Schema.String.check(Schema.makeFilter((text) => isHttpUrl(text) || expectedHttpUrl))
