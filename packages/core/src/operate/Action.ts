import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { OperatorError, Tag } from "./OperatorError.ts"

/** What a value has to be, and how documents describe it. What it lets through is JSON as it is. */
export type Shape = Schema.ConstraintDecoder<unknown>

/**
 * An object without keys: what an action takes that needs no input, and gives that has no answer.
 */
export const Nothing = Schema.Record(Schema.String, Schema.Never.annotate({ message: "unknown key" }))

/** What every action says of itself. */
interface Said<Path extends string, Input extends Shape, Tags extends Tag> {
  /** Names it over HTTP. */
  readonly path: Path
  /** One sentence, in plain English. */
  readonly summary: string
  readonly input: Input
  /**
   * Whether something is another after it, in the store, at a destination or elsewhere: then it is
   * not for those who may only look, and it is put on record.
   */
  readonly changes: boolean
  /** What it fails with, besides that the store does not answer. */
  readonly errors: ReadonlyArray<Tags>
  /**
   * What is left of what it shows for those who may only read. Without it, what stands anywhere in
   * it under `user`, `metadata` or `value` is hidden: a row that shows events in another form has
   * to say how.
   */
  masked?(shown: unknown): unknown
}

/** An action that is done, and answers once. */
export interface Answering<Path extends string, Input extends Shape, Tags extends Tag, Output, Takes, Gives>
  extends Said<Path, Input, Tags> {
  readonly output: Output
  /** The arguments of the promise, as an input. */
  readonly takes: Takes
  /** What the promise resolves to. */
  readonly gives: Gives
}

/** An action that tells what happens, for as long as somebody listens. */
export interface Telling<Path extends string, Input extends Shape, Tags extends Tag, Event, Takes>
  extends Said<Path, Input, Tags> {
  readonly event: Event
  readonly takes: Takes
}

export const answering = <
  const Path extends string,
  Input extends Shape,
  Output extends Shape,
  Arguments extends ReadonlyArray<unknown>,
  Result,
  const Tags extends Tag = never,
>(
  action: Answering<
    Path,
    Input,
    Tags,
    Output,
    (...args: Arguments) => Input["Type"],
    (output: Output["Type"]) => Result
  >,
) => action

export const telling = <
  const Path extends string,
  Input extends Shape,
  Event extends Shape,
  Arguments extends ReadonlyArray<unknown>,
  const Tags extends Tag = never,
>(
  action: Telling<Path, Input, Tags, Event, (...args: Arguments) => Input["Type"]>,
) => action

type Takes = (...args: never) => unknown

type AnyAnswering = Answering<string, Shape, Tag, Shape, Takes, (output: never) => unknown>

type AnyTelling = Telling<string, Shape, Tag, Shape, Takes>

export type Action = AnyAnswering | AnyTelling

/** Actions by the name of the method that does each. */
export type Table = Readonly<Record<string, Action>>

export const isTelling = (action: Action): action is AnyTelling => "event" in action

export type Input<A extends Action> = A["input"]["Type"]

/** What it answers, or each thing that it tells. */
export type Output<A extends Action> = A extends AnyTelling
  ? A["event"]["Type"]
  : A extends AnyAnswering
    ? A["output"]["Type"]
    : never

/** What an action of the table may fail with. */
export type Failure<A extends Action> = Extract<
  OperatorError,
  { readonly _tag: A["errors"][number] | "StoreError" }
>

type Method<A extends Action, E> = (
  input: Input<A>,
) => A extends AnyTelling ? Effect.Effect<Stream.Stream<Output<A>, E>, E> : Effect.Effect<Output<A>, E>

/** Does the actions of a table, each failing with what the table says of it. */
export type Service<T extends Table> = { readonly [Name in keyof T]: Method<T[Name], Failure<T[Name]>> }

/** Does the actions of a table, wherever it sits: all of them fail alike. */
export type ServiceOf<T extends Table, E> = { readonly [Name in keyof T]: Method<T[Name], E> }

type PromiseOf<A extends Action> = A extends AnyAnswering
  ? (...args: Parameters<A["takes"]>) => Promise<ReturnType<A["gives"]>>
  : (...args: Parameters<A["takes"]>) => Promise<AsyncIterable<Output<A>>>

/** The actions of a table, for programs that do not use Effect. */
export type Promises<T extends Table> = { readonly [Name in keyof T]: PromiseOf<T[Name]> }

// Below, a table is gone through name by name, where TypeScript cannot follow what belongs to each.
// The types above say it, and every table and service is held to them where it is written down.

export type AnyMethod<E> = (input: unknown) => Effect.Effect<unknown, E>

/** Makes a service by making the method of each action. */
export const serve = <T extends Table, E>(
  table: T,
  method: (action: Action, name: string) => AnyMethod<E>,
): ServiceOf<T, E> =>
  Object.fromEntries(Object.entries(table).map(([name, action]) => [name, method(action, name)])) as never

/** The method of one action. */
export const methodOf = <T extends Table, E>(
  service: ServiceOf<T, E>,
  name: keyof T & string,
): AnyMethod<E> => service[name] as never

/** The same service, with something done to all that its methods return. */
export const through = <T extends Table, E, E2>(
  table: T,
  service: ServiceOf<T, E>,
  effect: <A>(self: Effect.Effect<A, E>) => Effect.Effect<A, E2>,
  stream: <A>(self: Stream.Stream<A, E>) => Stream.Stream<A, E2>,
): ServiceOf<T, E2> =>
  serve(table, (action, name) => (input) => {
    const done = effect(methodOf(service, name)(input))
    return isTelling(action) ? Effect.map(done, (told) => stream(told as Stream.Stream<unknown, E>)) : done
  })

/** The same service, whoever runs its effects: by this clock, logged there. */
export const within = <T extends Table, S extends ServiceOf<T, unknown>>(
  table: T,
  service: S,
  context: Context.Context<never>,
): S => through(table, service, Effect.provideContext(context), Stream.provideContext(context)) as S

/** @param service asked for anew with every call */
export const promises = <T extends Table, E>(
  table: T,
  service: () => ServiceOf<T, E>,
  context: Context.Context<never>,
): Promises<T> => {
  const run = Effect.runPromiseWith(context)
  return Object.fromEntries(
    Object.entries(table).map(([name, action]) => {
      const takes = action.takes as (...args: ReadonlyArray<unknown>) => unknown
      return [
        name,
        async (...args: ReadonlyArray<unknown>) => {
          const output = await run(methodOf(service(), name)(takes(...args)))
          return isTelling(action)
            ? Stream.toAsyncIterableWith(output as Stream.Stream<unknown, E>, context)
            : action.gives(output as never)
        },
      ]
    }),
  ) as never
}
