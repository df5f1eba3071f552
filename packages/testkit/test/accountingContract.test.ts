import { Store } from "@millrace/core"
import { accountingContract } from "@millrace/testkit"

accountingContract("memory", { place: () => ({ open: Store.layerMemory }), capped: true })
