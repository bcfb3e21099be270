/** Positions made visible to layers that do not see order, such as attention. */
import {
  add,
  defaultDevice,
  expectFloat,
  expectShape,
  expectTensor,
  formatShape,
  madeOnHost,
  Parameter,
  ShapeError,
  slice,
  type Tensor,
  ValueError,
} from "@neurite/core";
import { expectOptions, expectSize, type OptionKinds } from "@neurite/core/expect";
import { INIT_OPTIONS } from "./init-options.js";
import { type InitOptions, initNormal } from "./initializers.js";
import { Module } from "./module.js";

function expectSequence(op: string, x: Tensor, features: number): number {
  expectTensor(op, "x", x);
  if (x.rank >= 2 && x.shape[x.rank - 1] === features) return x.shape[x.rank - 2]!;
  throw new ShapeError({ op, argument: "x", expected: `[..., time, ${features}]`, received: formatShape(x.shape) });
}

function expectStart(op: string, start: number, time: number, limit: number): void {
  if (Number.isInteger(start) && start >= 0 && start + time <= limit) return;
  throw new ValueError({
    op,
    argument: "start",
    expected: limit === Number.POSITIVE_INFINITY ? "an integer from 0 on" : `positions from 0 to ${limit - 1}`,
    received: `${time} positions from ${start} on`,
    remedy: "Cut the sequence, or build the layer for longer ones.",
  });
}

export interface SinusoidalTableOptions extends Pick<InitOptions, "dtype" | "device"> {
  /** Position of the first row. Default 0. */
  readonly start?: number;
}

const TABLE: OptionKinds<SinusoidalTableOptions> = { dtype: "dtype", device: "device", start: "integer" };

/**
 * The table of Vaswani et al. (2017), [length, features]: sin(t/10000^{2i/features}) at feature 2i and the cosine at 2i + 1.
 * It is made in float64 on the host.
 */
export function sinusoidalTable(length: number, features: number, options: SinusoidalTableOptions = {}): Tensor {
  expectOptions("sinusoidalTable", options, TABLE);
  const { start = 0, dtype = "float32", device = defaultDevice() } = options;
  expectShape("sinusoidalTable", [length, features]);
  expectFloat("sinusoidalTable", "dtype", dtype);
  return madeOnHost(dtype, [length, features], device, (data) => {
    for (let t = 0; t < length; t++) {
      for (let j = 0; j < features; j++) {
        const angle = (start + t) / 10000 ** ((j - (j % 2)) / features);
        data[t * features + j] = j % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
      }
    }
  });
}

/**
 * Adds the sinusoids of {@link sinusoidalTable} to a sequence of any length: [..., time, features] → the same. No parameters.
 * @example
 * new SinusoidalEncoding(64).forward(embedded);              // [8, 11, 64] → [8, 11, 64]
 */
export class SinusoidalEncoding extends Module {
  constructor(readonly features: number) {
    super();
    expectSize("SinusoidalEncoding", "features", features);
  }

  /** @param start position of the first step, for sequences that come in parts */
  forward(x: Tensor, start = 0): Tensor {
    const time = expectSequence("SinusoidalEncoding", x, this.features);
    expectStart("SinusoidalEncoding", start, time, Number.POSITIVE_INFINITY);
    const { dtype, device } = x;
    return add(x, sinusoidalTable(time, this.features, { start, dtype, device }));
  }
}

/**
 * Adds a learned vector for each position below `length`: [..., time, features] → the same. Starts normal with deviation
 * 0.02, as in GPT-2.
 */
export class LearnedEncoding extends Module {
  /** [length, features] */
  readonly weight: Parameter;

  constructor(
    readonly length: number,
    readonly features: number,
    init: InitOptions = {},
  ) {
    super();
    expectOptions("LearnedEncoding", init, INIT_OPTIONS);
    expectSize("LearnedEncoding", "length", length);
    expectSize("LearnedEncoding", "features", features);
    this.weight = new Parameter(initNormal([length, features], 0.02, init), { layout: "position,features" });
  }

  /** @param start position of the first step */
  forward(x: Tensor, start = 0): Tensor {
    const time = expectSequence("LearnedEncoding", x, this.features);
    expectStart("LearnedEncoding", start, time, this.length);
    return add(x, slice(this.weight, [[start, start + time]]));
  }
}
