import type { Connection } from "./Connection.ts"
import type { Argument } from "./Link.ts"
import { urgent } from "./Script.ts"

/** KEYS[2]: what the command is about. ARGV: the command and what it takes behind the key. */
const one = urgent("return redis.call(ARGV[2], KEYS[2], unpack(ARGV, 3))")

/** One command that writes, on the store that was opened and on no other. */
export const change = async (
  connection: Connection,
  command: string,
  key: string,
  parameters: ReadonlyArray<Argument>,
): Promise<void> => {
  await connection.run(one, [key], [command, ...parameters])
}
