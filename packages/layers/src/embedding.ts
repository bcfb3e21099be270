/** Learned vectors for integers. */
import { gather, Parameter, type Tensor } from "@neurite/core";
import { expectOptions, expectSize } from "@neurite/core/expect";
import { INIT_OPTIONS } from "./init-options.js";
import { type InitOptions, initNormal } from "./initializers.js";
import { Module } from "./module.js";

/**
 * Looks up one of `count` vectors for each index: int32 [...] → [..., features]. Starts standard normal, as in PyTorch.
 * @throws IndexError for an index outside 0 … count − 1
 */
export class Embedding extends Module {
  /** [count, features] */
  readonly weight: Parameter;

  constructor(
    readonly count: number,
    readonly features: number,
    init: InitOptions = {},
  ) {
    super();
    expectOptions("Embedding", init, INIT_OPTIONS);
    expectSize("Embedding", "count", count);
    expectSize("Embedding", "features", features);
    this.weight = new Parameter(initNormal([count, features], 1, init), { layout: "index,features" });
  }

  forward(indices: Tensor): Tensor {
    return gather(this.weight, indices);
  }
}
