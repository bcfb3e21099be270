/** Weight normalisation of any layer (Salimans & Kingma 2016; Jiang §8.5), in both of the book's forms. */
import {
  copy,
  div,
  greater,
  isParameter,
  mul,
  normalizeAxis,
  Parameter,
  scope,
  sqrt,
  square,
  sum,
  type Tensor,
  ValueError,
  where,
} from "@neurite/core";
import { describeValue, expectInteger, expectOptions, type OptionKinds } from "@neurite/core/expect";
import { expectModule } from "./expect.js";
import { Module } from "./module.js";

export interface WeightNormOptions {
  /** Fields of the layer that are normalised. Default `["weight"]`; for a recurrent layer say `["weightHhL0"]`. */
  readonly names?: readonly string[];
  /** The axis of the output units, each of which has a norm of its own; null: one norm for all. Default: the one marked `out`, else 0. */
  readonly axis?: number | null;
  /** `unit`: w = (γ/‖v‖)·v, as in PyTorch. `ball`: w = γ·v with ‖v‖ ≤ 1. Default `unit`. */
  readonly form?: "unit" | "ball";
}

const OPTIONS: OptionKinds<WeightNormOptions> = { names: "list", axis: "any", form: ["unit", "ball"] };

interface Slot {
  /** The layer's own parameter, which shows w to its `forward`. */
  readonly target: Parameter;
  readonly gain: Parameter;
  readonly direction: Parameter;
  /** The axes a norm is taken over. */
  readonly axes: readonly number[];
}

/**
 * A layer whose weights are products of a learned length γ and a learned direction v. The layer's own weight is no longer a
 * parameter; `weightG` and `weightV` (for a weight named `weight`) take its place, and start such that w is unchanged.
 *
 * - `unit`: w = (γ/‖v‖)·v; v starts as w, γ as ‖w‖.
 * - `ball`: w = γ·v/max(1, ‖v‖): a direction that leaves the unit ball is projected back onto it, so ‖w‖ ≤ |γ| after any
 *   update. It starts inside, with ‖v‖ = ½.
 * @example
 * const layer = new WeightNorm(new Linear(64, 32));
 * layer.forward(x);                              // [8, 64] → [8, 32]
 * const plain = layer.remove();                  // the Linear again, with the weights it has now
 */
export class WeightNorm<L extends Module> extends Module {
  readonly layer: L;
  readonly form: "unit" | "ball";
  readonly #slots = new Map<string, Slot>();

  constructor(layer: L, options: WeightNormOptions = {}) {
    super();
    expectOptions("WeightNorm", options, OPTIONS);
    const { names = ["weight"], axis, form = "unit" } = options;
    expectModule("WeightNorm", "layer", layer);
    if (axis !== undefined && axis !== null) expectInteger("WeightNorm", "axis", axis);
    this.layer = layer;
    this.form = form;
    const targets = names.map((name) => [name, targetOf(layer, name)] as const);
    for (const [name, target] of targets) {
      const slot = makeSlot(target, axis, form);
      this.#slots.set(name, slot);
      Object.defineProperty(layer, name, { enumerable: false });
      Object.defineProperty(this, `${name}G`, { value: slot.gain, enumerable: true, configurable: true });
      Object.defineProperty(this, `${name}V`, { value: slot.direction, enumerable: true, configurable: true });
    }
  }

  forward(...args: Parameters<L["forward"]>): ReturnType<L["forward"]> {
    const restore = [...this.#slots.values()].map((slot) => show(slot.target, this.#weight(slot)));
    try {
      return this.layer.forward(...(args as never[])) as ReturnType<L["forward"]>;
    } finally {
      for (const undo of restore) undo();
    }
  }

  /** w, of the shape of v. */
  #weight({ gain, direction, axes }: Slot): Tensor {
    const norm = sqrt(sum(square(direction), { axis: axes, keepDims: true }));
    const length = this.form === "unit" ? norm : where(greater(norm, 1), norm, 1);
    return mul(direction, div(gain, length));
  }

  /** Ends the normalisation: the layer gets its parameters back, with their present values, and is returned. */
  remove(): L {
    for (const [name, slot] of this.#slots) {
      scope(() => {
        slot.target.assign(this.#weight(slot));
      });
      Object.defineProperty(this.layer, name, { enumerable: true });
      Reflect.deleteProperty(this, `${name}G`);
      Reflect.deleteProperty(this, `${name}V`);
      slot.gain.dispose();
      slot.direction.dispose();
    }
    this.#slots.clear();
    return this.layer;
  }
}

function targetOf(layer: Module, name: string): Parameter {
  const target = (layer as unknown as Record<string, unknown>)[name];
  if (isParameter(target) && Object.getOwnPropertyDescriptor(layer, name)?.enumerable) return target;
  throw new ValueError({
    op: "WeightNorm",
    argument: "names",
    expected: `fields of the layer that hold parameters (${Object.keys(layer.parameters()).join(", ") || "it has none"})`,
    received: describeValue(name),
  });
}

function makeSlot(target: Parameter, axis: number | null | undefined, form: "unit" | "ball"): Slot {
  const marked = target.layout.split(",").findIndex((name) => name.includes("out"));
  const own = typeof axis === "number" ? normalizeAxis("WeightNorm", axis, target.rank) : axis;
  const axes = target.shape.map((_, i) => i).filter((i) => i !== (own === undefined ? Math.max(marked, 0) : own));
  return scope(() => {
    const norm = sqrt(sum(square(target), { axis: axes, keepDims: true }));
    const [gain, direction] = form === "unit" ? [norm, copy(target)] : [mul(norm, 2), div(target, mul(norm, 2))];
    const layout = target.layout;
    return { target, axes, gain: new Parameter(gain), direction: new Parameter(direction, { layout }) } as never;
  });
}

/** Lets a parameter show another value, to autograd too, until the returned function is called. */
function show(target: Parameter, value: Tensor): () => void {
  const { storage, strides, offset, key } = target;
  target.rebind(value);
  return () => target.rebind({ storage, strides, offset, key });
}
