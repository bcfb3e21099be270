import { lstmCell } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build, type Plain } from "../plain.js";

const logistic = (x: number) => 1 / (1 + Math.exp(-x));

/** h′ and c′ from gates [n, 4·hidden] and c [n, hidden]. */
export function lstmStep(gates: Plain, c: Plain): [Plain, Plain] {
  const hidden = c.shape[1];
  const gate = (k: number, [i, j]: readonly number[]) => at(gates, [i, k * hidden + j]);
  const next = build(c.shape, (index) => {
    const input = logistic(gate(0, index)) * Math.tanh(gate(2, index));
    return logistic(gate(1, index)) * at(c, index) + input;
  });
  return [build(c.shape, (index) => logistic(gate(3, index)) * Math.tanh(at(next, index))), next];
}

function sample(name: string, n: number, hidden: number, more: Partial<Sample> = {}): Sample {
  return {
    name,
    inputs: [numbers([n, 4 * hidden]), numbers([n, hidden])],
    run([gates, cell]) {
      const { h, c } = lstmCell(gates, cell);
      return [h, c];
    },
    reference: ([gates, cell]) => lstmStep(gates, cell),
    ...more,
  };
}

export const lstmCellCase: Case = {
  op: "lstmCell",
  fused: true,
  samples: [
    sample("of two sequences", 2, 3),
    sample("of one unit", 1, 1),
    sample("of 17 sequences of 33 units", 17, 33, { gradient: false }),
    sample("of no sequence", 0, 2),
    {
      ...sample("whose next cell alone is used", 2, 2),
      run([gates, cell]) {
        const { h, c } = lstmCell(gates, cell);
        h.dispose();
        return c;
      },
      reference: ([gates, cell]) => lstmStep(gates, cell)[1],
    },
  ],
  errors: [
    {
      name: "gates that are no four blocks",
      code: "ERR_SHAPE",
      words: ["lstmCell", "gates", "[n, 4·hidden]", "[2, 6]"],
      call: (env) => lstmCell(some(env, [2, 6]), some(env, [2, 2])),
    },
    {
      name: "a cell of another size",
      code: "ERR_SHAPE",
      words: ["lstmCell", "[2, 2]", "[2, 3]"],
      call: (env) => lstmCell(some(env, [2, 8]), some(env, [2, 3])),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["lstmCell", "gates", "float32 or float64", "int32"],
      call: (env) => lstmCell(some(env, [2, 8]), some(env, [2, 2])),
    },
  ],
};
