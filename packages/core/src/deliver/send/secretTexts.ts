/** Shorter ones are no secrets, and words of any message. */
const leastSecret = 8

/** The values of headers; with what comes behind a scheme, `Bearer ...`, by itself. */
export const secretsIn = (headers: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.values(headers)
    .flatMap((value) => [value, ...value.split(" ")])
    .filter((secret) => secret.length >= leastSecret)
    .sort((one, other) => other.length - one.length)

/**
 * Takes the values of headers out of what a receiver has said: some show in it what they were sent.
 */
export const withoutSecrets = (secrets: ReadonlyArray<string>, text: string): string =>
  secrets.reduce((left, secret) => left.replaceAll(secret, "***"), text)
