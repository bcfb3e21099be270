import { gruCell } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build, type Plain } from "../plain.js";

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** h′ from shares of x and of h, [n, 3·hidden] each, and h [n, hidden]. */
export function gruStep(shares: Plain, recurrent: Plain, h: Plain): Plain {
  const hidden = h.shape[1];
  return build(h.shape, ([i, j]) => {
    const x = (k: number) => at(shares, [i, k * hidden + j]);
    const own = (k: number) => at(recurrent, [i, k * hidden + j]);
    const reset = logistic(x(0) + own(0));
    const update = logistic(x(1) + own(1));
    return (1 - update) * Math.tanh(x(2) + reset * own(2)) + update * at(h, [i, j]);
  });
}

function sample(name: string, n: number, hidden: number, more: Partial<Sample> = {}): Sample {
  return {
    name,
    inputs: [numbers([n, 3 * hidden]), numbers([n, 3 * hidden]), numbers([n, hidden])],
    run: ([shares, recurrent, h]) => gruCell(shares, recurrent, h),
    reference: ([shares, recurrent, h]) => gruStep(shares, recurrent, h),
    ...more,
  };
}

export const gruCellCase: Case = {
  op: "gruCell",
  fused: true,
  samples: [
    sample("of two sequences", 2, 3),
    sample("of one unit", 1, 1),
    sample("of 17 sequences of 33 units", 17, 33, { gradient: false }),
    sample("of no sequence", 0, 2),
  ],
  errors: [
    {
      name: "shares that are no three blocks",
      code: "ERR_SHAPE",
      words: ["gruCell", "shares", "[n, 3·hidden]", "[2, 4]"],
      call: (env) => gruCell(some(env, [2, 4]), some(env, [2, 4]), some(env, [2, 1])),
    },
    {
      name: "recurrent shares of another size",
      code: "ERR_SHAPE",
      words: ["gruCell", "recurrent", "[2, 6]", "[2, 3]"],
      call: (env) => gruCell(some(env, [2, 6]), some(env, [2, 3]), some(env, [2, 2])),
    },
    {
      name: "a state of another size",
      code: "ERR_SHAPE",
      words: ["gruCell", "h", "[2, 2]", "[2, 3]"],
      call: (env) => gruCell(some(env, [2, 6]), some(env, [2, 6]), some(env, [2, 3])),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["gruCell", "shares", "float32 or float64", "int32"],
      call: (env) => gruCell(some(env, [2, 6]), some(env, [2, 6]), some(env, [2, 2])),
    },
  ],
};
