/** The version of what is described here, kept in `meta`. */
export const schema = 1

/** The keys of one partition. */
export interface PartitionKeys {
  /** Stream `position-0`: the entries but for their bodies, with the sums up to each. */
  readonly entries: string
  /**
   * Hash: the bodies, by a name that stands in the entry. They never go through a script: that
   * would cost more than storing them.
   */
  readonly bodies: string
  /** Hash: where the log begins and ends. */
  readonly state: string
  /** Hash: position by id, of the newest entries; and of those before them. */
  readonly ids: string
  readonly olderIds: string
}

export interface Layout {
  /** Hash: whose keys these are. Each script looks there first. */
  readonly meta: string
  readonly partition: (number: number) => PartitionKeys
  /** Hash: by name, the epoch and, on a second line, the record. */
  readonly cursors: string
  /** Hash: dead letters by the number of their arrival. */
  readonly letters: string
  /** Sorted set: those numbers. */
  readonly letterOrder: string
  /**
   * Sorted sets of one score: lines of event, destination and number; of destination and number.
   */
  readonly lettersByEvent: string
  readonly lettersByDestination: string
  /** Hash: how many letters of each destination. */
  readonly letterCounts: string
  /** Hash: the last number, and the bytes of all letters. */
  readonly letterTotals: string
  /** Set: the destinations that have attempts. */
  readonly attempted: string
  /** Lists, the newest last. */
  readonly failures: (destination: string) => string
  readonly successes: (destination: string) => string
  readonly destinations: string
  /** Hash: documents by name, each a line of JSON and its bytes. */
  readonly documents: string
  /** Sorted set: their names, by when they were saved. */
  readonly documentOrder: string
  readonly keys: string
  /** Sorted set: the hours that have counts. */
  readonly hours: string
  /** Hash: counts by event name. */
  readonly hour: (hour: number) => string
  /** Sorted set: ids, by the end of their lease. */
  readonly members: string
  /** Never there: what asks the server whether this user may append. */
  readonly probe: string
}

/**
 * The braces are a cluster's hash tag: all keys are in one slot, so that a script may use any of
 * them.
 */
export const layout = (prefix: string): Layout => {
  const key = (name: string): string => `{${prefix}}:${name}`
  return {
    meta: key("meta"),
    partition: (number) => ({
      entries: key(`log:${number}`),
      bodies: key(`log:${number}:bodies`),
      state: key(`log:${number}:state`),
      ids: key(`log:${number}:ids`),
      olderIds: key(`log:${number}:ids:older`),
    }),
    cursors: key("cursors"),
    letters: key("letters"),
    letterOrder: key("letters:order"),
    lettersByEvent: key("letters:by-event"),
    lettersByDestination: key("letters:by-destination"),
    letterCounts: key("letters:counts"),
    letterTotals: key("letters:totals"),
    attempted: key("attempts"),
    failures: (destination) => key(`attempts:failed:${destination}`),
    successes: (destination) => key(`attempts:delivered:${destination}`),
    destinations: key("destinations"),
    documents: key("documents"),
    documentOrder: key("documents:order"),
    keys: key("keys"),
    hours: key("counters"),
    hour: (hour) => key(`counters:${hour}`),
    members: key("members"),
    probe: key("probe"),
  }
}

/**
 * What each key of a store holds, besides those of one hour or one destination; the log's last,
 * five of each partition.
 */
export const types = (
  keys: Layout,
  partitions: number,
): ReadonlyArray<readonly [key: string, type: string]> => [
  [keys.cursors, "hash"],
  [keys.letters, "hash"],
  [keys.letterOrder, "zset"],
  [keys.lettersByEvent, "zset"],
  [keys.lettersByDestination, "zset"],
  [keys.letterCounts, "hash"],
  [keys.letterTotals, "hash"],
  [keys.attempted, "set"],
  [keys.destinations, "hash"],
  [keys.documents, "hash"],
  [keys.documentOrder, "zset"],
  [keys.keys, "hash"],
  [keys.hours, "zset"],
  [keys.members, "zset"],
  ...Array.from({ length: partitions }, (_, number) => keys.partition(number)).flatMap(
    ({ entries, bodies, state, ids, olderIds }) =>
      [
        [entries, "stream"],
        [bodies, "hash"],
        [state, "hash"],
        [ids, "hash"],
        [olderIds, "hash"],
      ] as const,
  ),
]
