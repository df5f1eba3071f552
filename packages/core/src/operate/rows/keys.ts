import * as Schema from "effect/Schema"
import { Count, Time } from "../../base/scalars.ts"
import { answering, Nothing } from "../Action.ts"

export const KeyRow = Schema.Struct({
  /** Begins the hash of the key: what entries name it by. */
  id: Schema.String,
  name: Schema.NullOr(Schema.String),
  kind: Schema.Literals(["server", "client"]),
  /** Its last four characters; `null` when nobody has kept them. */
  hint: Schema.NullOr(Schema.String),
  origin: Schema.Literals(["configured", "added"]),
  createdAt: Schema.NullOr(Time),
  /** Since this process began. */
  lastUsedAt: Schema.NullOr(Time),
  events: Count,
}).annotate({ identifier: "Key", description: "A key that senders show, without the key itself." })

export type KeyRow = typeof KeyRow.Type

export const keyRows = {
  keys: answering({
    path: "keys/list",
    summary: "List the keys that senders may show.",
    changes: false,
    input: Nothing,
    output: Schema.Struct({ keys: Schema.Array(KeyRow) }),
    errors: [],
    takes: () => ({}),
    gives: ({ keys }) => keys,
  }),

  /** Makes a key, which is shown this once: only its hash is kept. */
  createKey: answering({
    path: "keys/create",
    summary: "Make a key, shown this once.",
    changes: true,
    input: Schema.Struct({ name: Schema.String, kind: Schema.Literals(["server", "client"]) }),
    output: Schema.Struct({ id: Schema.String, key: Schema.String }),
    errors: ["InvalidOptions"],
    takes: (name: string, kind: "server" | "client") => ({ name, kind }),
    gives: (created) => created,
  }),

  revokeKey: answering({
    path: "keys/revoke",
    summary: "Take a key back: requests that show it are refused from now on.",
    changes: true,
    input: Schema.Struct({ id: Schema.String }),
    output: Nothing,
    errors: ["UnknownKey", "KeyConfigured"],
    takes: (id: string) => ({ id }),
    gives: (): void => {},
  }),
} as const
