import type { NameRow } from "../../../web/api/rows.ts"
import { noise } from "./noise.ts"

const name = (
  eventName: string,
  category: NameRow["category"],
  volume: number,
  change: number | null = 0,
): NameRow => {
  const random = noise([...eventName].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7))
  const shape = Array.from({ length: 24 }, (_, at) => {
    const hour = (15 + at) % 24
    const daily = 1 + 0.6 * Math.sin(((hour - 9) / 24) * 2 * Math.PI)
    return daily * (0.85 + random() * 0.3) * (at > 20 ? 1 + (change ?? 0) * ((at - 19) / 4) : 1)
  })
  const sum = shape.reduce((a, b) => a + b)
  return { eventName, category, volume, change, hours: shape.map((v) => Math.round((v / sum) * volume)) }
}

/** The names of the last day, by volume, and some that nobody would choose. */
export const names: ReadonlyArray<NameRow> = [
  name("page_viewed", "custom", 3_912_480, 0.03),
  name("statsig::gate_exposure", "exposures", 2_904_112, 0.01),
  name("product_viewed", "custom", 1_604_118, -0.02),
  name("search_performed", "custom", 604_551, 0.06),
  name("statsig::experiment_exposure", "exposures", 588_230),
  name("statsig::app_metrics", "custom", 402_377, 0.01),
  name("auto_capture::page_view", "auto_capture", 310_220),
  name("add_to_cart", "custom", 211_874, -0.05),
  name("auto_capture::click", "auto_capture", 121_004),
  name("statsig::config_exposure", "exposures", 102_944),
  name("wishlist_added", "custom", 88_020, 0.02),
  name("checkout_started", "custom", 61_932, -0.41),
  name("statsig::diagnostics", "internal", 54_771),
  name("checkout_completed", "custom", 38_204, -0.38),
  name("newsletter_joined", "custom", 12_481, 0.19),
  name("coupon_rejected", "custom", 1_204, 2.6),
  name("statsig::config_change", "config_changes", 14, null),
  name("<img src=x onerror=alert(1)>", "custom", 3, null),
  name("refund\u202Edeussi", "custom", 2, null),
]
