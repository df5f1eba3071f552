import { Store, type StoreError } from "@millrace/core"
import * as StoreSqlite from "@millrace/store-sqlite"
import type * as Layer from "effect/Layer"
import * as Result from "effect/Result"

/** Where events are kept, as `--store` says it. */
export type StoreUrl = { readonly kind: "memory" } | { readonly kind: "sqlite"; readonly path: string }

const supported = "expected memory: or sqlite:PATH"

/** Fails with what is wrong, never with the text itself: URLs of databases hold passwords. */
export const parse = (text: string): Result.Result<StoreUrl, string> => {
  const [scheme, rest] = text.split(/:(.*)/s)
  if (rest === undefined) return Result.fail(supported)
  switch (scheme) {
    case "memory":
      return rest === "" ? Result.succeed({ kind: "memory" }) : Result.fail("expected nothing after memory:")
    case "sqlite":
      if (rest === "") return Result.fail("expected a path after sqlite:")
      if (rest.startsWith("//")) return Result.fail("expected a path after sqlite:, without //")
      if (rest === ":memory:")
        return Result.fail("expected a path after sqlite:; memory: keeps events in memory")
      return Result.succeed({ kind: "sqlite", path: rest })
    default:
      return Result.fail(supported)
  }
}

export const format = (url: StoreUrl): string => (url.kind === "memory" ? "memory:" : `sqlite:${url.path}`)

export const layer = (url: StoreUrl): Layer.Layer<Store.Store, StoreError> =>
  url.kind === "memory" ? Store.layerMemory() : StoreSqlite.layer({ path: url.path })
