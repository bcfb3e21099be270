/** The fixed cost of an op: chains over tensors so small that the arithmetic does not count. */
import { valueAndGrad } from "@neurite/autograd";
import { add, mul, Parameter, relu, sum, type Tensor } from "@neurite/core";
import { CHAIN } from "../workloads.js";
import type { Kind } from "./adapter.js";
import { computation } from "./kernels.js";

const STEPS: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  add,
  add_scalar: (x) => add(x, 1),
  relu,
  grad: mul,
};

function chain(step: (x: Tensor, y: Tensor) => Tensor, x: Tensor, y: Tensor): Tensor {
  let z = x;
  for (let i = 0; i < CHAIN; i++) z = step(z, y);
  return z;
}

export const dispatchChains: Readonly<Record<string, Kind>> = {
  dispatch: ({ tensors: { x, y, w }, workload: { options } }) => {
    const step = STEPS[String(options.op)]!;
    if (options.op !== "grad") return computation(() => [chain(step, x!, y!)]);
    const parameter = new Parameter(w!);
    const gradient = valueAndGrad(() => sum(chain(step, x!, parameter)), [parameter]);
    return {
      run() {
        for (const tensor of gradient().grads) tensor.dispose();
      },
      outputs: () =>
        gradient().grads.map((tensor) => {
          const data = tensor.dataSync();
          tensor.dispose();
          return data;
        }),
    };
  },
};
