import { Store } from "@millrace/core"
import { storeContract } from "@millrace/testkit"

storeContract("memory", {
  place: () => ({ open: Store.layerMemory }),
  reopens: false,
  shared: false,
  capped: true,
})
