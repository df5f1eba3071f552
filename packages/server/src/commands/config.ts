import { Command } from "commander"
import { jsonSchema } from "../config/jsonSchema.ts"
import { print } from "./operate.ts"

const schemaCommand = (): Command =>
  new Command("schema")
    .description("Print a JSON Schema of the config file: editors that have it complete and check")
    .addHelpText(
      "after",
      `
Write it beside the config file, and name it there:

  millrace config schema > millrace.schema.json

  { "$schema": "./millrace.schema.json", "port": 8080 }`,
    )
    .action(() => print(`${JSON.stringify(jsonSchema(), null, 2)}\n`))

export const command = (): Command =>
  new Command("config").description("What may stand in the config file").addCommand(schemaCommand())
