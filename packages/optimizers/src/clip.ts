/** Gradient clipping. The norm stays on the device: no value is read back. */
import {
  add,
  clamp,
  div,
  expectTensors,
  minimum,
  mul,
  scope,
  sqrt,
  square,
  sum,
  type Tensor,
  ValueError,
} from "@neurite/core";
import { badValue, expectOptions, expectRecord, type OptionKinds } from "@neurite/core/expect";

export type Grads = Readonly<Record<string, Tensor>>;

export interface ClipOptions {
  /** Leaves the gradients given alive (default: they are freed). */
  readonly keepGrads?: boolean;
}

const OPTIONS: OptionKinds<ClipOptions> = { keepGrads: "boolean" };

/** √Σ‖g‖² over all gradients, a scalar. */
export function globalNorm(grads: Grads): Tensor {
  expectSome("globalNorm", grads);
  return scope(() => {
    const squares = Object.values(grads).map((gradient) => sum(square(gradient)));
    return sqrt(squares.reduce((a, b) => add(a, b))) as never;
  }) as Tensor;
}

function expectSome(op: string, grads: Grads): void {
  expectRecord(op, "grads", grads, "gradients by name");
  expectTensors(op, "grads", Object.values(grads));
  if (Object.keys(grads).length > 0) return;
  throw new ValueError({ op, argument: "grads", expected: "at least one gradient", received: "none" });
}

function expectLimit(op: string, argument: string, value: number): void {
  // without end it cuts nothing
  if (typeof value !== "number" || !(value >= 0)) throw badValue(op, argument, "a number, 0 or above", value);
}

/**
 * All gradients scaled by min(1, maxNorm / norm), so that their joint L2 norm is at most `maxNorm` (Pascanu et al. 2013).
 * A norm that is not finite gives gradients that are not finite.
 */
export function clipByGlobalNorm<G extends Grads>(grads: G, maxNorm: number, options: ClipOptions = {}): G {
  expectOptions("clipByGlobalNorm", options, OPTIONS);
  expectSome("clipByGlobalNorm", grads);
  expectLimit("clipByGlobalNorm", "maxNorm", maxNorm);
  return replace(grads, options, () => {
    // PyTorch's 1e-6 keeps a zero norm from dividing by zero
    const scale = minimum(div(maxNorm, add(globalNorm(grads), 1e-6)), 1);
    return (gradient) => mul(gradient, scale);
  });
}

/** Every gradient element cut to [−limit, limit]. */
export function clipByValue<G extends Grads>(grads: G, limit: number, options: ClipOptions = {}): G {
  expectSome("clipByValue", grads);
  expectOptions("clipByValue", options, OPTIONS);
  expectLimit("clipByValue", "limit", limit);
  return replace(grads, options, () => (gradient) => clamp(gradient, -limit, limit));
}

function replace<G extends Grads>(
  grads: G,
  { keepGrads = false }: ClipOptions,
  prepare: () => (gradient: Tensor) => Tensor,
): G {
  const clipped = scope(() => {
    const clip = prepare();
    return Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [name, clip(gradient)])) as never;
  }) as G;
  if (!keepGrads)
    for (const gradient of Object.values(grads)) gradient.dispose("it was replaced by its clipped version");
  return clipped;
}
