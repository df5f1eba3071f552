/**
 * The most that is looked at of one body, by what it costs to make something of it: half a
 * microsecond for each value, and several for each key that no other event has. A body of 10 MB of
 * usual events has half a million values and a few hundred keys.
 */
export const mostOfBody = { values: 1_000_000, keys: 65_536 } as const

/**
 * The most of one event, which whoever makes something of it does in one go: filters, a user's
 * code, an export. As much as 64 KiB can hold, so what is no larger needs no count.
 */
export const mostOfEvent = { values: 32_768, keys: 8_192 } as const

/**
 * Bytes up to which nothing is too much, whatever it holds: a value takes two with its comma, a key
 * that differs from others eight with its value. A number that is longer is too much as well.
 */
export const neverCostly = 64 * 1024
