/**
 * Values that are watched, and components that are drawn anew by those they read. It is as much of
 * signals as this page has use for: everything that depends on a value follows it at once.
 */
import { type Component, type ComponentChild, Fragment, options } from "preact"
import { useEffect, useState } from "preact/hooks"

/** What reads signals, and is run again when one of them changes. */
interface Reader {
  readonly run: () => void
  /** The readers of each signal that it has read: it is among them. */
  readonly among: Set<Set<Reader>>
}

/** Whoever runs now: what is read is read by it. */
let current: Reader | null = null

const runAs = (reader: Reader | null, body: () => void): void => {
  const before = current
  current = reader
  try {
    body()
  } finally {
    current = before
  }
}

/** Runs now, and again whenever a signal that it has read changes; what it gives back ends that. */
export const effect = (body: () => void): (() => void) => {
  const among: Reader["among"] = new Set()
  const stop = () => {
    for (const readers of among) readers.delete(reader)
    among.clear()
  }
  const reader: Reader = {
    among,
    run: () => {
      // What was read the last time need not be what is read now.
      stop()
      runAs(reader, body)
    },
  }
  reader.run()
  return stop
}

export interface ReadonlySignal<A> {
  readonly value: A
  /** The value for once: whoever asks is not told of others. */
  readonly peek: () => A
  /** Tells each value, the present one first; what it gives back ends that. */
  readonly subscribe: (told: (value: A) => void) => () => void
}

export interface Signal<A> extends ReadonlySignal<A> {
  value: A
}

export const signal = <A>(first: A): Signal<A> => {
  let value = first
  const readers = new Set<Reader>()
  const made: Signal<A> = {
    get value() {
      if (current !== null) {
        readers.add(current)
        current.among.add(readers)
      }
      return value
    },
    set value(next) {
      if (Object.is(value, next)) return
      value = next
      // One may end another; whoever is run comes again by reading.
      for (const reader of [...readers]) if (readers.has(reader)) reader.run()
    },
    peek: () => value,
    subscribe: (told) =>
      effect(() => {
        const next = made.value
        runAs(null, () => told(next))
      }),
  }
  return made
}

/** What follows from other signals. It follows them for as long as the page is there. */
export const computed = <A>(of: () => A): ReadonlySignal<A> => {
  const made = signal<A | undefined>(undefined)
  effect(() => {
    made.value = of()
  })
  return made as ReadonlySignal<A>
}

type Draw = (this: Component, props: object, context: object) => ComponentChild

const watched = new WeakMap<Draw, Draw>()

/** The same component; it is drawn anew when a signal changes that its last drawing has read. */
const watching = (draw: Draw): Draw => {
  const known = watched.get(draw)
  if (known !== undefined) return known
  const made: Draw = function (props, context) {
    this.componentWillUnmount?.()
    let drawn: ComponentChild
    let isFirst = true
    this.componentWillUnmount = effect(() => {
      if (isFirst) drawn = draw.call(this, props, context)
      else this.forceUpdate()
      isFirst = false
    })
    return drawn
  }
  watched.set(draw, made)
  // An element that is used twice is made anew from what it has become.
  watched.set(made, made)
  return made
}

/** To be called before the first component is made. */
export const startSignals = (): void => {
  options.vnode = (vnode) => {
    if (typeof vnode.type === "function" && vnode.type !== Fragment) vnode.type = watching(vnode.type as Draw)
  }
}

export const useSignal = <A>(first: A): Signal<A> => useState(() => signal(first))[0]

/** @param run is that of the first drawing: it reads signals, and nothing else that changes */
export const useSignalEffect = (run: () => void): void => useEffect(() => effect(run), [])
