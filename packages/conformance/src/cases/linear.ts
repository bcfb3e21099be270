import { linear } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { numbers } from "../inputs.js";
import { at, build, type Plain } from "../plain.js";

/** y[…, o] = Σᵢ x[…, i]·w[o, i] + b[o]. */
function connected([x, weight, bias]: readonly Plain[]): Plain {
  const [outs, ins] = weight.shape;
  return build([...x.shape.slice(0, -1), outs], (index) => {
    const rest = index.slice(0, -1);
    const o = index[index.length - 1];
    let sum = bias ? bias.data[o] : 0;
    for (let i = 0; i < ins; i++) sum += at(x, [...rest, i]) * at(weight, [o, i]);
    return sum;
  });
}

function sample(name: string, shapes: readonly (readonly number[])[], more: Partial<Sample> = {}): Sample {
  return {
    name,
    inputs: shapes.map((shape) => numbers(shape)),
    run: ([x, weight, bias]) => linear(x, weight, bias),
    reference: connected,
    ...more,
  };
}

/** max(0, y). */
const rectified: Partial<Sample> = {
  run: ([x, weight, bias]) => linear(x, weight, bias, { activation: "relu" }),
  reference(inputs) {
    const y = connected(inputs);
    return { ...y, data: y.data.map((value) => Math.max(0, value)) };
  },
};

export const linearCase: Case = {
  op: "linear",
  fused: true,
  tolerance: { float32: 1e-5, reason: "a float32 accumulator rounds at each of up to 131 additions" },
  samples: [
    sample("of a batch", [[3, 4], [2, 4], [2]]),
    sample("without bias", [[3, 4], [2, 4]]),
    sample("of a vector", [[4], [3, 4], [3]]),
    sample("of one feature to one", [[3, 1], [1, 1], [1]]),
    sample("of a sequence", [[2, 3, 4], [2, 4], [2]]),
    sample("with 33×131×45 elements", [[33, 131], [45, 131], [45]], { gradient: false }),
    sample("and relu of a batch", [[3, 4], [2, 4], [2]], rectified),
    sample("and relu of a sequence without bias", [[2, 3, 4], [2, 4]], rectified),
    sample("and relu of 13×37×24 elements", [[13, 37], [24, 37], [24]], { ...rectified, gradient: false }),
    sample("and relu of an empty batch", [[0, 3], [2, 3], [2]], rectified),
    sample("of an empty batch", [[0, 3], [2, 3], [2]]),
    sample("of no features, which gives the bias", [[2, 0], [3, 0], [3]]),
  ],
  errors: [
    {
      name: "a weight of other features",
      code: "ERR_SHAPE",
      words: ["linear", "weight", "[out, 4]", "[2, 3]"],
      call: (env) => linear(some(env, [5, 4]), some(env, [2, 3])),
    },
    {
      name: "a bias of another length",
      code: "ERR_SHAPE",
      words: ["linear", "bias", "[2]", "[3]"],
      call: (env) => linear(some(env, [5, 4]), some(env, [2, 4]), some(env, [3])),
    },
    {
      name: "a scalar",
      code: "ERR_SHAPE",
      words: ["linear", "x", "scalar"],
      call: (env) => linear(some(env, []), some(env, [2, 3])),
    },
    {
      name: "an activation it does not know",
      code: "ERR_VALUE",
      words: ["linear", "activation", 'relu', "swish"],
      call: (env) => linear(some(env, [2, 3]), some(env, [2, 3]), undefined, { activation: "swish" as "relu" }),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["linear", "float32 or float64", "int32"],
      call: (env) => linear(some(env, [2, 3]), some(env, [2, 3])),
    },
  ],
}; // biome-ignore format: lists of shapes
