/** What is said of a metric, wherever it is shown: on the page, in Effect's registry, in docs. */
export interface MetricInfo {
  /** Dashboards and alerts are written against it, so it changes with a major version only. */
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  readonly labels: ReadonlyArray<string>
  readonly help: string
}

export interface CounterInfo extends MetricInfo {
  readonly type: "counter"
}

export interface GaugeInfo extends MetricInfo {
  readonly type: "gauge"
}

export interface HistogramInfo extends MetricInfo {
  readonly type: "histogram"
  /** Upper bounds of its buckets, in ms, the least first. They are shown in seconds. */
  readonly bounds: ReadonlyArray<number>
}

export const counter = (name: string, labels: ReadonlyArray<string>, help: string): CounterInfo => ({
  name,
  type: "counter",
  labels,
  help,
})

export const gauge = (name: string, labels: ReadonlyArray<string>, help: string): GaugeInfo => ({
  name,
  type: "gauge",
  labels,
  help,
})

export const histogram = (
  name: string,
  labels: ReadonlyArray<string>,
  help: string,
  bounds: ReadonlyArray<number>,
): HistogramInfo => ({ name, type: "histogram", labels, help, bounds })
