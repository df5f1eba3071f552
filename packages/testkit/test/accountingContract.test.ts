import { Store } from "@millrace/core"
import { accountingContract } from "@millrace/testkit/vitest"

accountingContract("memory", { place: () => ({ open: Store.layerMemory }), capped: true })
