import { Skeleton } from "./Notice.tsx"
import { useSlow } from "./useSlow.ts"

/** Stands where something will be: nothing at first, then grey lines. */
export const Soon = ({ rows }: { readonly rows: number }) => (useSlow() ? <Skeleton rows={rows} /> : null)
