import statsigNode from "statsig-node"
import { configSpecsV1, idListFile, idLists } from "./configSpecs.ts"
import type { Project } from "./project.ts"

/** What a client's SDK asks for with `initialize`. */
export interface InitializeRequest {
  readonly user?: Readonly<Record<string, unknown>>
  /** How names are to be hashed. */
  readonly hash?: "djb2" | "sha256" | "none"
}

export interface Evaluator {
  /** Returns what `initialize` answers, as JSON. */
  readonly initialize: (request: InitializeRequest) => string
  readonly close: () => Promise<void>
}

const storage = "https://storage.invalid"

/** Answers an SDK's requests without a network. */
const answersOf = (project: Project) => async (url: string) => {
  const { origin, pathname } = new URL(url)
  const body =
    origin === storage
      ? idListFile(project.idLists[pathname.slice(1)] ?? [])
      : JSON.stringify(pathname.includes("id_lists") ? idLists(project, storage) : configSpecsV1(project))
  return new Response(body, { headers: { "content-length": `${Buffer.byteLength(body)}` } })
}

/** Evaluates a project for users: Statsig's own evaluation, by its SDK for servers. */
export const makeEvaluator = async (project: Project): Promise<Evaluator> => {
  const server = new statsigNode.StatsigServer("secret-evaluator", {
    networkOverrideFunc: answersOf(project),
    initStrategyForIP3Country: "none",
    disableRulesetsSync: true,
    disableIdListsSync: true,
    disableDiagnostics: true,
    disableAllLogging: true,
  })
  await server.initializeAsync()
  return {
    initialize: ({ user = {}, hash = "djb2" }) => {
      const response = server.getClientInitializeResponse(user as never, undefined, { hash })
      if (response === null) throw new Error("the evaluator has no specs")
      return JSON.stringify(response)
    },
    close: () => server.shutdownAsync(),
  }
}
