import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { youngMemory } from "./internal/YoungMemory.ts"

/**
 * Has V8 collect its young generation after every four megabytes of bodies, until the layer's scope
 * closes. `collectYoungMemory` of `Millrace.make` is this layer; programs of Effect merge it with
 * `Codec.layer`.
 *
 * Use it in a process that does nothing but take events in and send them on, as `millrace serve`
 * does. V8 counts bodies only towards full collections: without the layer, large bodies at full
 * rate cause ten of them a second, of 30 to 50 ms each, which take a fifth of the CPU.
 *
 * Leave it out in a process that has work of its own. The heap belongs to the whole process, so
 * each collection stops the rest of the program too, and ages the rest's objects: what is in use
 * during two of them moves to the old generation, where only a full collection frees it. The first
 * collection also sets V8's flag `--expose-gc` for a moment, where the process has no `gc` yet.
 * Engines other than V8 are left alone.
 */
export const layer: Layer.Layer<never> = Layer.effectDiscard(
  Effect.acquireRelease(
    Effect.sync(() => youngMemory.begin()),
    () => Effect.sync(() => youngMemory.end()),
  ),
)
