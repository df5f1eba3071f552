import { stripVTControlCharacters } from "node:util"
import { describe, expect, test } from "vitest"
import { mistakeOf, withSubcommands } from "../../src/commands/usage.ts"
import { program } from "../../src/program.ts"

/** What the command says of arguments that cannot work, without being run. */
const saidOf = (...args: ReadonlyArray<string>): string => {
  let said = ""
  const millrace = program()
  for (const command of withSubcommands(millrace)) {
    command.exitOverride().configureOutput({
      writeErr: (text) => {
        said += text
      },
    })
  }
  expect(() => millrace.parse(args, { from: "user" })).toThrow()
  return stripVTControlCharacters(said)
}

describe("a mistake of usage is told in one way, whatever the command", () => {
  test.each<readonly [args: ReadonlyArray<string>, command: string, ...lines: ReadonlyArray<string>]>([
    [["serv"], "", "serv: unknown command: did you mean serve?"],
    [["destinations", "lst"], "destinations", "lst: unknown command: did you mean list?"],
    [["serve", "--prot", "1"], "serve", "--prot: unknown flag: did you mean --port?"],
    [["serve", "--webhok"], "serve", "--webhok: unknown flag: did you mean --webhook?"],
    [["attempts", "--nope"], "attempts", "--nope: unknown flag"],
    [["serve", "--port"], "serve", "--port: expected <number>"],
    [["serve", "now"], "serve", "serve: takes no argument"],
    [["destinations", "skip", "a", "b"], "destinations skip", "skip: takes 1 argument"],
    [["destinations", "skip"], "destinations skip", "id: missing"],
    [["destinations", "add", "[]"], "destinations add", "config: expected a JSON object"],
    [["replay", "--destination", "hook"], "replay", "--since: missing"],
    [["migrate", "--from", "memory:"], "migrate", "--to: missing"],
    [
      ["replay", "--destination", "hook", "--since", "1 hour", "--until", "2 hours"],
      "replay",
      "--since: has to be before --until",
    ],
    [
      ["dead-letters", "list", "--limit", "0"],
      "dead-letters list",
      "--limit: expected a number from 1 to 1000",
    ],
    [
      ["dead-letters", "purge"],
      "dead-letters purge",
      "say which ones, by --destination, --id or --before; or --all",
    ],
    [
      ["dead-letters", "purge", "--all", "--id", "x"],
      "dead-letters purge",
      "say which ones, by --destination, --id or --before; or --all",
    ],
    [["send", "--json", "{"], "send", "--json: expected a JSON object"],
    [["send", "--json", '{"evnt":"x"}'], "send", "evnt: unknown key: did you mean event?"],
    [
      ["send", "--json", '{"user":1,"value":[]}'],
      "send",
      "user: expected object",
      "value: expected string | number",
    ],
  ])("%j", (args, command, ...lines) => {
    const help = ["see millrace", ...(command === "" ? [] : [command]), "--help"].join(" ")
    expect(saidOf(...args)).toBe([...lines.map((line) => `millrace: ${line}`), help, ""].join("\n"))
  })

  test("and without the value that is wrong", () => {
    const secret = "https://me:hunter2@example.com' is invalid. \nx"
    for (const args of [
      ["destinations", "add", secret],
      ["destinations", "try-filter", "--fields", secret],
      ["replay", "--destination", "a", "--since", secret],
      ["send", "--json", secret],
    ]) {
      expect(saidOf(...args)).not.toContain("hunter2")
    }
  })
})

test("what is not translated is told as it is", () => {
  expect(mistakeOf("error: something else\n")).toBe("something else")
  expect(mistakeOf("error: unknown command 'sev'\n(Did you mean one of send, serve?)\n")).toBe(
    "sev: unknown command: did you mean one of send, serve?",
  )
})
