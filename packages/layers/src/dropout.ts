/** Dropout. */
import { dropout, type Generator, type Tensor, ValueError } from "@neurite/core";
import { Module } from "./module.js";

/**
 * While training, zeroes each element with probability `p` and scales the others by 1/(1 − p); the identity in evaluation
 * (Srivastava et al. 2014; Jiang §8.5).
 */
export class Dropout extends Module {
  constructor(
    readonly p = 0.5,
    readonly options: { readonly generator?: Generator } = {},
  ) {
    super();
    if (!(p >= 0 && p < 1)) {
      throw new ValueError({
        op: "Dropout",
        argument: "p",
        expected: "a probability from 0 to below 1",
        received: String(p),
      });
    }
  }

  forward(x: Tensor): Tensor {
    return this.training ? dropout(x, this.p, this.options.generator) : x;
  }
}
