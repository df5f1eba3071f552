import { Command } from "commander"
import * as Attempts from "./commands/attempts.ts"
import * as Completions from "./commands/completions.ts"
import * as Config from "./commands/config.ts"
import * as DeadLetters from "./commands/deadLetters.ts"
import * as Destinations from "./commands/destinations.ts"
import * as Doctor from "./commands/doctor.ts"
import * as Migrate from "./commands/migrate.ts"
import * as Replay from "./commands/replay.ts"
import * as Replays from "./commands/replays.ts"
import * as Salvage from "./commands/salvage.ts"
import * as Send from "./commands/send.ts"
import * as Serve from "./commands/serve.ts"
import * as Tail from "./commands/tail.ts"
import { tellMistakes } from "./commands/usage.ts"
import { version } from "./version.ts"

/** The command with all there is below it, as yet without arguments. */
export const program = (): Command =>
  tellMistakes(
    new Command("millrace")
      .description("Takes Statsig events in, keeps them safe, and sends them on to webhooks")
      .version(version)
      .addCommand(Serve.command())
      .addCommand(Destinations.command())
      .addCommand(Attempts.command())
      .addCommand(DeadLetters.command())
      .addCommand(Replay.command())
      .addCommand(Replays.command())
      .addCommand(Tail.command())
      .addCommand(Send.command())
      .addCommand(Doctor.command())
      .addCommand(Migrate.command())
      .addCommand(Salvage.command())
      .addCommand(Config.command())
      .addCommand(Completions.command()),
  )
