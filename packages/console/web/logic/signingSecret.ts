/** Bytes of a signing secret: as many as HMAC-SHA-256 has use for. */
const length = 32

/** Makes a secret as standardwebhooks.com says. */
export const makeSecret = (random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string =>
  `whsec_${btoa(String.fromCharCode(...random(new Uint8Array(length))))}`
