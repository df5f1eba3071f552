import type { Destination } from "../../api/rows.ts"
import { Jobs } from "../letters/Jobs.tsx"
import { History } from "./History.tsx"
import { Standing } from "./Standing.tsx"

export const Overview = ({ row }: { readonly row: Destination }) => (
  <>
    <Standing row={row} />
    <Jobs isMeant={(job) => job.destination === row.id} />
    <History row={row} />
  </>
)
