import { webHandler } from "@millrace/web"
import { millrace } from "../../../millrace.ts"

const events = webHandler(await millrace)

export { events as GET, events as OPTIONS, events as POST }
