import { Destination } from "@millrace/core"
import * as Result from "effect/Result"
import type { OutputOf } from "../../../web/api/rows.ts"

type Detail = OutputOf<"destinations/get">

const options: Readonly<Record<string, Omit<Destination.DestinationOptions, "id">>> = {
  billing: {
    url: "https://billing.tarnfell.example/hooks/usage",
    filter: {
      categories: { exposures: false, config_changes: false, auto_capture: false },
      newCustomEvents: false,
      customEvents: {
        checkout_completed: true,
        checkout_started: true,
        coupon_rejected: true,
        newsletter_joined: true,
      },
      where: { all: [{ field: "metadata.currency", exists: true }] },
    },
    batch: { maxEvents: 50, maxDelay: "1 second" },
  },
  "fraud-scoring": {
    url: "https://risk.tarnfell.example/events",
    filter: {
      categories: { exposures: false },
      customEvents: { page_viewed: false, "statsig::app_metrics": false },
      exclude: ["debug_*"],
    },
    rateLimit: { events: 400 },
    headers: { authorization: "Bearer ****" },
  },
  "growth-crm": {
    url: "https://hooks.crm-bridge.example/t/8f31c2/events",
    filter: {
      newCustomEvents: false,
      customEvents: {
        page_viewed: false,
        product_viewed: true,
        add_to_cart: true,
        wishlist_added: true,
        checkout_started: true,
        checkout_completed: true,
        newsletter_joined: true,
      },
      where: { all: [{ field: "user.country", in: ["DE", "AT", "CH"] }] },
    },
    fields: { drop: ["user.ip"], hash: ["user.email"] },
  },
  "staging-mirror": { url: "https://mirror.staging.tarnfell.example/", batch: { maxEvents: 1000 } },
  warehouse: {
    url: "https://collect.tarnfell.example/v2/events",
    filter: { categories: { internal: true } },
    batch: { maxEvents: 1000 },
    concurrency: 4,
  },
}

const fileHas = new Set(["fraud-scoring", "staging-mirror", "warehouse"])

/** Destinations as they are configured, each of which may be changed. */
export const configsAt = (now: number): Map<string, Detail> =>
  new Map(
    Object.entries(options).map(([id, given]): [string, Detail] => [
      id,
      {
        id,
        config: JSON.parse(
          JSON.stringify(Result.getOrThrow(Destination.decode({ id, ...given }, new Uint8Array(32)))),
        ),
        selects: "",
        secrets: id === "warehouse" ? [] : [{ kind: "standardWebhooks", hint: "oUw=" }],
        origin: fileHas.has(id) ? "configured" : "added",
        hasCode: false,
        createdAt: fileHas.has(id) ? null : now - 1_000_000_000,
        selectionSince: null,
        revision: "1",
      },
    ]),
  )
