/** The fixed cost of an op: tensors so small that the arithmetic does not count. */
import { valueAndGrad } from "@neurite/autograd";
import { add, mul, normal, Parameter, relu, scope, sum, type Tensor } from "@neurite/core";
import type { Workload } from "../workload.js";

const SIZE = 16;
const OPS = 100;

/** A chain of 100 ops in a scope that frees them; `perSecond` of the report counts single ops. */
function chain(id: string, step: (x: Tensor, y: Tensor) => Tensor): Workload {
  return {
    suite: "dispatch",
    id,
    repeat: 200,
    setUp(device) {
      const x = normal([SIZE], 0, 1, { device });
      const y = normal([SIZE], 0, 1e-3, { device });
      return () => {
        scope(() => {
          let z = x;
          for (let i = 0; i < OPS; i++) z = step(z, y);
        });
      };
    },
  };
}

const gradient: Workload = {
  suite: "dispatch",
  id: "grad_16x100",
  repeat: 20,
  setUp(device) {
    const w = new Parameter(normal([SIZE], 0, 1, { device }));
    const step = valueAndGrad(
      (x: Tensor) => {
        let z: Tensor = x;
        for (let i = 0; i < OPS; i++) z = mul(z, w);
        return sum(z);
      },
      [w],
    );
    const x = normal([SIZE], 0, 1, { device });
    return () => {
      for (const tensor of step(x).grads) tensor.dispose();
    };
  },
};

export const dispatchSuite: readonly Workload[] = [
  chain("add_16x100", add),
  chain("add_scalar_16x100", (x) => add(x, 1)),
  chain("relu_16x100", relu),
  gradient,
];

/** Ops in one call of a workload of this suite. */
export const OPS_PER_CALL = OPS;
