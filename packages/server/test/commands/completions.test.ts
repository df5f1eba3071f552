import { execFileSync } from "node:child_process"
import { describe, expect, test } from "vitest"
import { completionScript, shells } from "../../src/commands/completionScripts.ts"
import { withSubcommands } from "../../src/commands/usage.ts"
import { program } from "../../src/program.ts"

const isThere = (shell: string): boolean => {
  try {
    execFileSync(shell, ["-c", "true"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** What bash itself offers for the last of the words. */
const offered = (...words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const script = `${completionScript("bash", program())}
COMP_WORDS=(millrace "$@"); COMP_CWORD=$#
_millrace
printf '%s\\n' "\${COMPREPLY[@]}"`
  const output = execFileSync("bash", ["--norc", "-c", script, "bash", ...words], { encoding: "utf8" })
  return output.split("\n").filter((line) => line !== "")
}

describe("completions", () => {
  test.skipIf(!isThere("bash"))("bash offers commands, sub-commands and flags (only where bash is)", () => {
    expect(offered("des")).toEqual(["destinations"])
    expect(offered("")).toEqual(expect.arrayContaining(["serve", "attempts", "completions", "--version"]))
    expect(offered("destinations", "re")).toEqual(["remove", "rewind"])
    expect(offered("serve", "--por")).toEqual(["--port"])
    expect(offered("--server", "https://a.example", "dead-letters", "--json", "pur")).toEqual(["purge"])
    expect(offered("attempts", "--lim")).toEqual(["--limit"])
    // Files are bash's own to offer.
    expect(offered("serve", "--config", "mill")).toEqual([])
  })

  test.each(shells)("of %s name every command and flag", (shell) => {
    const millrace = program()
    const script = completionScript(shell, millrace)
    for (const command of withSubcommands(millrace)) {
      expect(script).toContain(command.name())
      for (const { long } of command.options) expect(script).toContain(long!.slice(2))
    }
  })

  test.each(shells.filter(isThere))("of %s can be read by it (only where it is)", (shell) => {
    const script = completionScript(shell, program())
    expect(() => execFileSync(shell, ["-n", "-c", script], { stdio: "pipe" })).not.toThrow()
  })
})
