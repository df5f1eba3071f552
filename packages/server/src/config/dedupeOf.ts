/** How long equal requests are one, as an option of an intake; no option when they never are. */
export const dedupeOf = ({
  dedupe,
}: {
  readonly dedupe: number | null
}): { readonly dedupe?: { readonly window: number } } =>
  dedupe === null ? {} : { dedupe: { window: dedupe } }
