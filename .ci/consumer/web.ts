// What runs without Node: it is bundled for no platform, so that a module of Node's is found.
import { Millrace } from "@millrace/core"
import { webHandler } from "@millrace/web"

/** A server, where there are a store, a transport and a codec. */
export const serve = async (
  options: Millrace.MakeOptions,
): Promise<(request: Request) => Promise<Response>> => webHandler(await Millrace.make(options))
