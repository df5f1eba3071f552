import { type LoadOptions, load } from "../load.ts"
import { offer } from "../processes.ts"
import { request } from "../requests.ts"

/**
 * Runs {@link load} in a process of its own, for a server whose CPU time must be told apart from
 * it.
 */
const abilities = {
  load: async ({
    port,
    events,
    ...options
  }: LoadOptions & { readonly port: number; readonly events: number }) => {
    const { requests, seconds } = await load(port, request(events), options)
    return { requests, seconds }
  },
}

export type LoaderAbilities = typeof abilities

offer(abilities)
