import * as Result from "effect/Result"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { JsonObject } from "../../../src/base/json.ts"
import { detailOf } from "../../../src/operate/destinations/detail.ts"
import { mask, maskConfig, maskProblems, maskUrl, unmask } from "../../../src/operate/destinations/masking.ts"
import { type DestinationOptions, decode } from "../../../src/select/Destination.ts"

const pem = (kind: string, secret: string) => `-----BEGIN ${kind}-----\n${secret}\n-----END ${kind}-----`

const standard = (secret: string) => `whsec_${btoa(secret.repeat(3))}`

/** A destination with the secret wherever one may stand. */
const full = (secret: string): DestinationOptions => ({
  id: "full",
  url: `https://${secret}:${secret}@full.test/hook?token=${secret}&${secret}#${secret}`,
  headers: {
    authorization: `Bearer ${secret}`,
    constructor: secret,
    "x-key": { env: "KEY" },
  } as unknown as Record<string, string>,
  signing: { standardWebhooks: [standard(secret), standard(`${secret}2`)], statsig: `webhook-${secret}` },
  tls: {
    ca: pem("CERTIFICATE", secret),
    cert: pem("CERTIFICATE", secret),
    key: pem("PRIVATE KEY", secret),
  },
  proxy: `http://${secret}:${secret}@proxy.test:3128`,
})

const decoded = (options: DestinationOptions) => Result.getOrThrow(decode(options))

describe("what is shown of a destination", () => {
  test("has no secret in it, wherever one may stand", () => {
    const secret = fc.stringMatching(/^[a-z]{12,20}$/)
    fc.assert(
      fc.property(secret, (text) => {
        const shown = JSON.stringify(detailOf(decoded(full(text)), null, "configured"))
        for (const one of [
          text,
          btoa(text),
          standard(text).slice(6, -4),
          standard(`${text}2`).slice(6, -4),
        ]) {
          expect(shown).not.toContain(one)
        }
        // No more than the four characters by which two are told apart.
        expect(shown).not.toContain(text.slice(-5))
        expect(shown).toContain("full.test/hook")
        expect(shown).toContain("proxy.test:3128")
      }),
    )
  })

  test("says which secrets there are, where others stand, and all defaults", () => {
    const { config, secrets } = detailOf(decoded(full("abcdefghijkl")), null, "configured")
    expect(config).toMatchObject({
      url: `https://${mask}@full.test/hook?token=${mask}&${mask}#${mask}`,
      headers: { authorization: mask, constructor: mask, "x-key": { env: "KEY" } },
      signing: { statsig: `${mask}ijkl` },
      batch: { maxEvents: 500, maxDelay: 1000 },
      retry: { giveUpAfter: 604_800_000 },
    })
    expect(secrets.map(({ kind }) => kind)).toEqual(["standardWebhooks", "standardWebhooks", "statsig"])
    expect(secrets.at(-1)?.hint).toBe("ijkl")
  })

  test("hints at nothing of a short secret", () => {
    const { secrets, config } = detailOf(
      decoded({ id: "a", url: "https://a.test/", signing: { statsig: "short" } }),
      null,
      "added",
    )
    expect(secrets).toEqual([{ kind: "statsig", hint: "" }])
    expect(config).toMatchObject({ signing: { statsig: mask } })
  })

  test("names it by what is shown: by nothing that is masked, and by all that is not", () => {
    const revision = (options: DestinationOptions) => detailOf(decoded(options), null, "added").revision
    const one = { id: "a", url: "https://a.test/", headers: { key: "one" } }
    expect(revision({ ...one, headers: { key: "two" } })).toBe(revision(one))
    expect(revision({ ...one, batch: { maxEvents: 500 } })).toBe(revision(one))
    expect(revision({ ...one, batch: { maxEvents: 501 } })).not.toBe(revision(one))
    expect(revision({ ...one, headers: { other: "one" } })).not.toBe(revision(one))
  })
})

test.each([
  ["https://a.test/hook", undefined, "https://a.test/hook"],
  ["https://a.test", undefined, "https://a.test"],
  ["https://a.test/?a=1&b=&c", undefined, `https://a.test/?a=${mask}&b=${mask}&${mask}`],
  ["https://a.test/p?", undefined, "https://a.test/p?"],
  ["https://u@a.test/p", undefined, `https://${mask}@a.test/p`],
  [
    "https://hooks.slack.test/services/T1/B1/secret",
    "slack",
    `https://hooks.slack.test/services/T1/B1/${mask}`,
  ],
  ["https://discord.test/api/webhooks/1/secret/", "discord", `https://discord.test/api/webhooks/1/${mask}`],
  ["statsig:", undefined, "statsig:"],
  ["env", undefined, "env"],
])("%s of format %s is shown as %s", (url, format, shown) => {
  expect(maskUrl(url, format)).toBe(shown)
})

describe("what is given as it was shown", () => {
  const config = full("abcdefghijkl") as unknown as JsonObject

  test("stands for what it was shown of, whole", () => {
    expect(unmask(maskConfig(config), config)).toEqual(config)
    expect(maskProblems(unmask(maskConfig(config), config))).toEqual([])
  })

  test("stays while what is beside it changes", () => {
    const { signing } = maskConfig(config) as { signing: { standardWebhooks: ReadonlyArray<string> } }
    const changes = {
      headers: { authorization: mask, "x-new": "new" },
      signing: { standardWebhooks: [signing.standardWebhooks[1]!] },
    }
    expect(unmask(changes, config)).toEqual({
      headers: { authorization: "Bearer abcdefghijkl", "x-new": "new" },
      signing: { standardWebhooks: [standard("abcdefghijkl2")] },
    })
  })

  test("and stands for nothing is told by its place", () => {
    const changes = { headers: { "x-new": mask }, tls: { key: mask }, filter: { include: [mask] } }
    const plain = { id: "a", url: "https://a.test/" }
    expect(maskProblems(unmask(changes, plain)).map(({ path }) => path)).toEqual(["headers.x-new", "tls.key"])
  })
})
