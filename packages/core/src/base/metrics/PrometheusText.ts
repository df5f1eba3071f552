import type * as Metric from "effect/Metric"

type Labels = Readonly<Record<string, string>>

/** One number, at one place. */
export interface Sample {
  readonly labels: Labels
  readonly value: number
}

/** What a histogram has at one place. */
export interface HistogramSample {
  readonly labels: Labels
  /** Each bound with how many there were up to it, the least first; the infinite one left out. */
  readonly buckets: ReadonlyArray<readonly [bound: number, count: number]>
  readonly sum: number
  readonly count: number
}

interface Named {
  readonly name: string
  readonly help: string
}

/** All there is of one metric. */
export type Family =
  | (Named & { readonly type: "counter" | "gauge"; readonly samples: ReadonlyArray<Sample> })
  | (Named & { readonly type: "histogram"; readonly samples: ReadonlyArray<HistogramSample> })

export const contentType = "text/plain; version=0.0.4; charset=utf-8"

const escapeHelp = (text: string): string => text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")
const escapeLabel = (text: string): string =>
  /[\\"\n]/.test(text) ? escapeHelp(text).replace(/"/g, '\\"') : text

const number = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? "+Inf" : value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value)

/** Without braces: a histogram adds the bound of each bucket. */
const pairsOf = (labels: Labels): string => {
  let pairs = ""
  for (const name in labels) {
    pairs += `${pairs === "" ? "" : ","}${name}="${escapeLabel(labels[name]!)}"`
  }
  return pairs
}

const braced = (pairs: string): string => (pairs === "" ? "" : `{${pairs}}`)

const histogramLines = (name: string, { labels, buckets, sum, count }: HistogramSample): string => {
  const pairs = pairsOf(labels)
  const begin = `${name}_bucket{${pairs}${pairs === "" ? "" : ","}le="`
  let lines = ""
  for (const [bound, value] of buckets) lines += `${begin}${bound}"} ${value}\n`
  const all = braced(pairs)
  return `${lines}${begin}+Inf"} ${count}\n${name}_sum${all} ${number(sum)}\n${name}_count${all} ${count}\n`
}

const linesOf = (family: Family): string => {
  let lines = ""
  if (family.type === "histogram") {
    for (const sample of family.samples) lines += histogramLines(family.name, sample)
    return lines
  }
  for (const { labels, value } of family.samples) {
    lines += `${family.name}${braced(pairsOf(labels))} ${number(value)}\n`
  }
  return lines
}

/** Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const format = (families: ReadonlyArray<Family>): string =>
  families
    .filter(({ samples }) => samples.length > 0)
    .map((family) => {
      const { name, help, type } = family
      return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${linesOf(family)}`
    })
    .join("")

/** With the sample of one place; `null` for what has no name of its own in Prometheus. */
const familyOf = (snapshot: Metric.Metric.Snapshot): Family | null => {
  const labels = snapshot.attributes ?? {}
  const named = { name: snapshot.id, help: snapshot.description ?? snapshot.id }
  switch (snapshot.type) {
    case "Counter": {
      const type = snapshot.state.incremental ? "counter" : "gauge"
      return { ...named, type, samples: [{ labels, value: Number(snapshot.state.count) }] }
    }
    case "Gauge":
      return { ...named, type: "gauge", samples: [{ labels, value: Number(snapshot.state.value) }] }
    case "Histogram": {
      const { count, sum } = snapshot.state
      const buckets = snapshot.state.buckets.filter(([bound]) => Number.isFinite(bound))
      return { ...named, type: "histogram", samples: [{ labels, buckets, sum, count }] }
    }
    // Millrace has no metric of this kind, and other code in the process may name its values as it
    // likes.
    case "Frequency":
    case "Summary":
      return null
  }
}

/** Samples of another type than the first family's are somebody's mistake, and left out. */
const joined = (all: readonly [Family, ...ReadonlyArray<Family>]): Family => {
  const [first] = all
  return first.type === "histogram"
    ? { ...first, samples: all.flatMap((one) => (one.type === "histogram" ? one.samples : [])) }
    : { ...first, samples: all.flatMap((one) => (one.type === "histogram" ? [] : one.samples)) }
}

/** One family for each name, with the samples of all. */
const gathered = (all: ReadonlyArray<Family>): ReadonlyArray<Family> => {
  const byName = new Map<string, [Family, ...Array<Family>]>()
  for (const family of all) {
    const known = byName.get(family.name)
    if (known === undefined) byName.set(family.name, [family])
    else known.push(family)
  }
  return [...byName.values()].map(joined)
}

/** Reads effect's registry by itself, since effect's own formatter is not stable. */
export const families = (snapshots: ReadonlyArray<Metric.Metric.Snapshot>): ReadonlyArray<Family> =>
  gathered(snapshots.map(familyOf).filter((family) => family !== null))

const byLabels = <S extends { readonly labels: Labels }>(
  samples: ReadonlyArray<S>,
  add: (one: S, other: S) => S,
): ReadonlyArray<S> => {
  const sums = new Map<string, S>()
  for (const sample of samples) {
    const key = pairsOf(sample.labels)
    const known = sums.get(key)
    sums.set(key, known === undefined ? sample : add(known, sample))
  }
  return [...sums.values()]
}

/** Processes of one server have the same bounds. */
const addHistogram = (one: HistogramSample, other: HistogramSample): HistogramSample => ({
  labels: one.labels,
  buckets: one.buckets.map(([bound, count], index) => [bound, count + (other.buckets[index]?.[1] ?? 0)]),
  sum: one.sum + other.sum,
  count: one.count + other.count,
})

/** Adds up what several processes have counted. */
export const sum = (counted: ReadonlyArray<ReadonlyArray<Family>>): ReadonlyArray<Family> =>
  gathered(counted.flat()).map((family) =>
    family.type === "histogram"
      ? { ...family, samples: byLabels(family.samples, addHistogram) }
      : {
          ...family,
          samples: byLabels(family.samples, (one, other) => ({ ...one, value: one.value + other.value })),
        },
  )
