import type * as Metric from "effect/Metric"

/** One number, at one place. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** What a histogram's parts add to its name. */
  readonly suffix?: "_bucket" | "_sum" | "_count"
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly samples: ReadonlyArray<Sample>
}

export const contentType = "text/plain; version=0.0.4; charset=utf-8"

const escapeHelp = (text: string): string => text.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")
const escapeLabel = (text: string): string => escapeHelp(text).replace(/"/g, '\\"')

const number = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? "+Inf" : value === Number.NEGATIVE_INFINITY ? "-Inf" : String(value)

const labelsText = (labels: Sample["labels"]): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

/** Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const format = (families: ReadonlyArray<Family>): string =>
  families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(
        ({ suffix = "", labels, value }) => `${name}${suffix}${labelsText(labels)} ${number(value)}\n`,
      )
      return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join("")}`
    })
    .join("")

const part = (snapshot: Metric.Metric.Snapshot): Pick<Family, "type" | "samples"> | null => {
  const labels = snapshot.attributes ?? {}
  switch (snapshot.type) {
    case "Counter":
      return {
        type: snapshot.state.incremental ? "counter" : "gauge",
        samples: [{ labels, value: Number(snapshot.state.count) }],
      }
    case "Gauge":
      return { type: "gauge", samples: [{ labels, value: Number(snapshot.state.value) }] }
    case "Histogram": {
      const { buckets, count, sum } = snapshot.state
      const bounds = buckets.filter(([bound]) => Number.isFinite(bound))
      return {
        type: "histogram",
        samples: [
          ...[...bounds, [Number.POSITIVE_INFINITY, count] as const].map(
            ([bound, value]): Sample => ({
              labels: { ...labels, le: number(bound) },
              value,
              suffix: "_bucket",
            }),
          ),
          { labels, value: sum, suffix: "_sum" },
          { labels, value: count, suffix: "_count" },
        ],
      }
    }
    // Millrace has no metric of this kind, and other code in the process may name its values as it
    // likes.
    case "Frequency":
    case "Summary":
      return null
  }
}

/** Reads effect's registry by itself, since effect's own formatter is not stable. */
export const families = (snapshots: ReadonlyArray<Metric.Metric.Snapshot>): ReadonlyArray<Family> => {
  const byName = new Map<string, Family>()
  for (const snapshot of snapshots) {
    const found = part(snapshot)
    if (found === null) continue
    const known = byName.get(snapshot.id)
    byName.set(snapshot.id, {
      name: snapshot.id,
      help: known?.help ?? snapshot.description ?? snapshot.id,
      type: known?.type ?? found.type,
      samples: [...(known?.samples ?? []), ...found.samples],
    })
  }
  return [...byName.values()]
}

const sumOf = (samples: ReadonlyArray<Sample>): ReadonlyArray<Sample> => {
  const sums = new Map<string, Sample>()
  for (const sample of samples) {
    const key = `${sample.suffix ?? ""} ${labelsText(sample.labels)}`
    const known = sums.get(key)
    sums.set(key, known === undefined ? sample : { ...known, value: known.value + sample.value })
  }
  return [...sums.values()]
}

/** Adds up what several processes have counted. */
export const sum = (counted: ReadonlyArray<ReadonlyArray<Family>>): ReadonlyArray<Family> => {
  const byName = new Map<string, Family>()
  for (const family of counted.flat()) {
    const known = byName.get(family.name)
    byName.set(
      family.name,
      known === undefined ? family : { ...known, samples: [...known.samples, ...family.samples] },
    )
  }
  return [...byName.values()].map((family) => ({ ...family, samples: sumOf(family.samples) }))
}
