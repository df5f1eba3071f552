// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file is about such texts
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { describe, expect, test } from "vitest"
import * as Config from "../../src/config/Config.ts"
import * as Settings from "../../src/config/settings.ts"
import { fileOf, load, mistakesOf } from "../support/config.ts"
import { tempDir } from "../support/resources.ts"

const written = (text: string): string => {
  const path = join(tempDir(), "written")
  writeFileSync(path, text)
  return path
}

describe("a variable whose name ends in _FILE", () => {
  test("names a file with the value, whatever the setting; the line break at its end is no part of it", async () => {
    const token = "a-token-of-sixteen"
    const config = await load(
      {},
      {
        MILLRACE_PORT_FILE: written("8181\n"),
        MILLRACE_STORE_FILE: written("sqlite:of-the-file.db\r\n"),
        MILLRACE_SERVER_KEY_FILE: written("secret-1\nsecret-2, secret-3\n"),
        MILLRACE_ADMIN_TOKEN_FILE: written(token),
        MILLRACE_HASH_KEY_FILE: written(" sixteen or more of them \n"),
      },
    )
    expect(config).toMatchObject({
      port: 8181,
      store: { path: "of-the-file.db" },
      keys: { server: ["secret-1", "secret-2", "secret-3"] },
      admin: { adminToken: token },
      hashKey: " sixteen or more of them ",
    })
  })

  test("beats the config file, and gives way to a flag", async () => {
    const environment = { MILLRACE_PORT_FILE: written("8181\n") }
    const config = fileOf({ port: 8282 })
    expect((await load({ config }, environment)).port).toBe(8181)
    expect((await load({ config, port: "8383" }, environment)).port).toBe(8383)
  })

  test("is a mistake beside the variable itself, without a file, and with what is wrong in it", async () => {
    const mistakes = await mistakesOf(
      {},
      {
        MILLRACE_SERVER_KEY: "secret-1",
        MILLRACE_SERVER_KEY_FILE: written("secret-2"),
        MILLRACE_STORE_FILE: "/no/such/file",
        MILLRACE_HASH_KEY_FILE: written("hunter2\n"),
        MILLRACE_CLIENT_KEY_FILE: written("\n"),
        MILLRACE_ADMIN_TOKEN_FILE: tempDir(),
      },
    )
    expect(mistakes).toEqual([
      "MILLRACE_STORE_FILE: the file is not there",
      "MILLRACE_SERVER_KEY_FILE: MILLRACE_SERVER_KEY is set, too: set one of the two",
      "MILLRACE_CLIENT_KEY_FILE: the file is empty",
      "MILLRACE_ADMIN_TOKEN_FILE: the file is a directory, a pipe or a device",
      "MILLRACE_HASH_KEY_FILE: expected 16 characters at least",
    ])
  })

  test("is known for every variable but the config file's, which would be taken for its path", () => {
    const known = Settings.names.filter((name) => name !== "config" && Settings.hasVariable(name))
    const environment = Object.fromEntries(known.map((name) => [`${Settings.variableOf(name)}_FILE`, "x"]))
    expect(Settings.unknownVariables({ ...environment, MILLRACE_SERVER_FILE: "x" })).toEqual([])
    expect(Settings.unknownVariables({ MILLRACE_CONFIG_FILE: "x" })).toEqual([
      { variable: "MILLRACE_CONFIG_FILE", nearest: null },
    ])
    expect(Settings.unknownVariables({ MILLRACE_SERVER_KEY_FIEL: "x" })).toEqual([
      { variable: "MILLRACE_SERVER_KEY_FIEL", nearest: "MILLRACE_SERVER_KEY_FILE" },
    ])
  })
})

test("who only looks reads nothing but where the store is", async () => {
  const config = fileOf({
    store: "sqlite:${DATA}/events.db",
    host: "${HOST_OF_THE_SERVER}",
    destinations: [{ id: "a", url: "${HOOK}" }],
    unknown: 1,
  })
  const environment = { DATA: "/data", MILLRACE_SERVER_KEY_FILE: "/no/such/file", MILLRACE_PORT: "x" }
  const { store } = await Effect.runPromise(Config.load({ config }, environment, "to look"))
  expect(store.path).toBe("/data/events.db")
  const missing = Effect.flip(Config.load({ config }, {}, "to look"))
  expect((await Effect.runPromise(missing)).message).toMatch(/store: the variable DATA is not set$/)
})
