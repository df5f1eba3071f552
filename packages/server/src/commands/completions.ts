import { Command, InvalidArgumentError } from "commander"
import { completionScript, type Shell, shells } from "./completionScripts.ts"
import { print } from "./operate.ts"

const shell = (text: string): Shell => {
  const found = shells.find((known) => known === text)
  if (found === undefined) throw new InvalidArgumentError(`expected one of ${shells.join(", ")}`)
  return found
}

export const command = (): Command =>
  new Command("completions")
    .description("Print what a shell has to read to complete commands and flags")
    .argument("<shell>", "bash, zsh or fish", shell)
    .addHelpText(
      "after",
      `
Let the shell read it when it starts:

  bash: source <(millrace completions bash)           in ~/.bashrc
  zsh:  source <(millrace completions zsh)            in ~/.zshrc, after compinit
  fish: millrace completions fish | source            in ~/.config/fish/config.fish`,
    )
    .action((name: Shell, _flags: object, { parent }: Command) => {
      if (parent !== null) print(completionScript(name, parent))
    })
