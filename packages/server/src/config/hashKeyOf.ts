/** The key to hash with, as an option of a Millrace; no option when there is none. */
export const hashKeyOf = ({
  hashKey,
}: {
  readonly hashKey: string | null
}): { readonly hashKey?: Uint8Array } =>
  hashKey === null ? {} : { hashKey: new TextEncoder().encode(hashKey) }
