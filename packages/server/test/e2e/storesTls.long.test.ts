import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describeServer, endpointOf, type TestServer, tlsPort } from "@millrace/test-servers"
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest"
import { outcome, serve } from "../support/command.ts"
import { tempDir } from "../support/resources.ts"
import { secret, sharedKinds } from "../support/stores.ts"

/** Longer than a port takes to show what it speaks. */
const timeout = 3_000

const schemes = { redis: "rediss", nats: "tls" } as const

for (const { kind, name, start } of sharedKinds) {
  if (kind === "postgres") continue
  const secure = schemes[kind]

  describeServer(kind, `${name} and TLS`, () => {
    let database: TestServer
    beforeAll(async () => {
      database = await start()
    })
    afterAll(() => database.dispose())

    /** By a port that speaks TLS before anything else. */
    const open = async (scheme: string) => {
      const port = await tlsPort(endpointOf(database.url))
      onTestFinished(port.close)
      return { ...port, store: `${port.url(database.url, scheme)}?requestTimeout=${timeout}` }
    }

    const refusal = async (store: string): Promise<string> => {
      const { code, stdout, stderr } = await outcome(["serve", "--port", "0", "--store", store], {
        cwd: tempDir(),
      })
      expect({ code, stdout, stderr }).toEqual({
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(/^millrace: [^\n]+\n$/),
      })
      expect(stderr).not.toContain(secret)
      return stderr
    }

    test("a port that speaks it, reached without: one line that says what to write instead", async () => {
      const { store } = await open(kind)
      expect(await refusal(store.replace("://", `://u:${secret}@`))).toContain(
        `TLS on this port: is it ${secure}:// instead of ${kind}://?`,
      )
    })

    test("a port that does not speak it, reached by TLS: one line that says what to write instead", async () => {
      const store = `${database.url.replace(kind, secure)}?requestTimeout=${timeout}`
      expect(await refusal(store)).toContain(`no TLS on this port: is it ${kind}:// instead of ${secure}://?`)
    })

    test("a certificate that nobody trusts is refused; with its authority named, all is well", async () => {
      const { store, authority } = await open(secure)
      expect(await refusal(store)).toMatch(
        /the server's certificate is not trusted \([A-Z_]+\): name its authority by NODE_EXTRA_CA_CERTS=PATH/,
      )
      const cwd = tempDir()
      writeFileSync(join(cwd, "authority.pem"), authority)
      const server = await serve(["--store", store], {
        cwd,
        env: { NODE_EXTRA_CA_CERTS: join(cwd, "authority.pem") },
      })
      expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
      server.kill("SIGTERM")
      expect(await server.ended).toEqual({ code: 0, signal: null })
    })
  })
}
