/** Gradient checkpointing (Chen et al. 2016): store a block's inputs only, and run it again when its gradient is needed. */
import {
  defaultGenerator,
  defineOp,
  dispatch,
  forEachTensor,
  type GeneratorState,
  type Interceptor,
  isFloat,
  isTensor,
  type Next,
  restoreGenerator,
  scope,
  state,
  type Tensor,
  withInterceptor,
} from "@neurite/core";
import { expectFunction } from "@neurite/core/expect";
import { unrecorded } from "./no-grad.js";
import { record } from "./value-and-grad.js";

/** Collects the tensors that ops read but that were there before: arguments and captured parameters. */
class Captures implements Interceptor {
  /** Keys count up, so what is made from now on (by ops, from host numbers, as views) has this key or a later one. */
  readonly #firstNewKey = state.nextKey;
  readonly found = new Map<number, Tensor>();

  // biome-ignore lint/suspicious/noExplicitAny: sees ops of every attribute type
  intercept(op: any, inputs: readonly Tensor[], attrs: unknown, aux: boolean, next: Next): Tensor[] {
    for (const input of inputs) if (input.key < this.#firstNewKey) this.found.set(input.key, input);
    return next(op, inputs, attrs, aux);
  }
}

function replaceTensors(value: unknown, replacement: (tensor: Tensor) => Tensor): unknown {
  if (isTensor(value)) return replacement(value);
  if (Array.isArray(value)) return value.map((item) => replaceTensors(item, replacement));
  return value;
}

/**
 * Makes a version of `fn` that keeps no intermediate values for the backward pass but computes them again, from the same
 * random numbers and without writing buffers. Memory for time; values and gradients are the same bit by bit.
 * @param fn takes its tensors as arguments (also in arrays); beyond them it may use parameters
 */
export function checkpoint<A extends readonly unknown[], R extends Tensor | readonly Tensor[]>(
  fn: (...args: A) => R,
): (...args: A) => R {
  expectFunction("checkpoint", "fn", fn);
  return (...args) => {
    const random = defaultGenerator().state();
    const captures = new Captures();
    forEachTensor(args, (tensor) => captures.found.set(tensor.key, tensor));
    const result = scope(
      () => unrecorded(() => withInterceptor(captures, () => fn(...args))) as never,
      "checkpoint",
    ) as R;
    const inputs = [...captures.found.values()];
    if (inputs.length === 0) return result;
    const again: Run["again"] = (byKey) =>
      fn(...(replaceTensors(args, (tensor) => byKey.get(tensor.key) ?? tensor) as A));
    const results = dispatch(checkpointOp, inputs, { again, random, result });
    return (isTensor(result) ? results[0] : results) as R;
  };
}

/** One run of a function whose results are there already, and what it takes to run it again. */
interface Run {
  /** Runs it once more, with its tensor arguments exchanged for those with the same key. */
  readonly again: (byKey: ReadonlyMap<number, Tensor>) => Tensor | readonly Tensor[];
  readonly random: GeneratorState;
  readonly result: Tensor | readonly Tensor[];
}

const checkpointOp = /* @__PURE__ */ defineOp<Run>({
  name: "checkpoint",
  infer: () => [],
  compose: (_inputs, { result }) => [result].flat() as Tensor[],
  vjp({ attrs: { again, random }, inputs, dy, needs }) {
    const byKey = new Map(inputs.map((input) => [input.key, input]));
    const sources = inputs.filter((input, i) => needs[i] && isFloat(input.dtype));
    const { tape, result } = replay(random, () => record("checkpoint", sources, () => again(byKey)));
    const gradients = tape.backward([result].flat() as Tensor[], dy);
    return inputs.map((input) => gradients[sources.indexOf(input)] ?? null);
  },
  saves: { inputs: "all" },
});

/** Runs `fn` with the random numbers of an earlier run and without writing buffers. */
function replay<T>(random: GeneratorState, fn: () => T): T {
  const now = defaultGenerator().state();
  restoreGenerator(random);
  state.replaying++;
  try {
    return fn();
  } finally {
    state.replaying--;
    restoreGenerator(now);
  }
}
