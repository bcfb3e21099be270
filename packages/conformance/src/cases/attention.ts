import { type AttentionOptions, attention } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { bits, given, type InputSpec, numbers } from "../inputs.js";
import { build, type Plain, zip } from "../plain.js";
import { maskedShares } from "./masked-softmax.js";
import { product } from "./matmul.js";

function transposed(x: Plain): Plain {
  const rank = x.shape.length;
  const swap = (list: readonly number[]) => [...list.slice(0, -2), list[rank - 1], list[rank - 2]];
  const positions = build(x.shape, () => 0);
  const strides = x.shape.map((_, axis) => x.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  return build(
    swap(positions.shape),
    (index) => x.data[swap(index).reduce((sum, i, axis) => sum + i * strides[axis], 0)],
  );
}

function attended([query, key, value, mask]: readonly Plain[], { scale }: AttentionOptions): Plain {
  const factor = scale ?? 1 / Math.sqrt(query.shape[query.shape.length - 1]);
  const scores = zip([product(query, transposed(key))], (score) => score * factor);
  return product(maskedShares(scores, mask), value);
}

function sample(
  name: string,
  shapes: readonly (readonly number[])[],
  mask: InputSpec | null = null,
  options: AttentionOptions = {},
  more: Partial<Sample> = {},
): Sample {
  const three = shapes.map((shape) => numbers(shape));
  return {
    name,
    inputs: mask ? [...three, mask] : three,
    run: ([q, k, v, on]) => attention(q, k, v, on ? { ...options, mask: on } : options),
    reference: (inputs) => attended(inputs, options),
    ...more,
  };
}

export const attentionCase: Case = {
  op: "attention",
  fused: true,
  tolerance: { float32: 5e-6, reason: "two chained sums of products" },
  samples: [
    sample("of matrices", [[2, 3], [4, 3], [4, 2]]),
    sample("of stacks", [[2, 2, 3], [2, 3, 3], [2, 3, 2]]),
    sample("of several heads", [[2, 2, 2, 3], [2, 2, 2, 3], [2, 2, 2, 2]]),
    sample("of a stack of queries and one set of keys", [[2, 2, 3], [3, 3], [3, 2]]),
    sample("with a scale of one's own", [[2, 3], [3, 3], [3, 2]], null, { scale: 0.3 }),
    sample("under a causal mask", [[3, 2], [3, 2], [3, 2]], given([1, 0, 0, 1, 1, 0, 1, 1, 1], [3, 3], "bool")),
    sample("under a mask for all queries", [[2, 2, 3], [2, 3, 3], [2, 3, 2]], given([1, 1, 0, 1, 0, 1], [2, 1, 3], "bool")),
    sample("under a random mask", [[3, 2], [4, 2], [4, 2]], bits([3, 4])),
    sample("with a query that may attend to nothing, which gets zeros", [[2, 3], [3, 3], [3, 2]], given([0, 0, 0, 1, 0, 1], [2, 3], "bool")),
    sample("of 17 queries and 33 keys", [[17, 19], [33, 19], [33, 21]], null, {}, { gradient: false }),
    sample("of no query", [[0, 3], [4, 3], [4, 2]]),
  ],
  errors: [
    {
      name: "keys of other features",
      code: "ERR_SHAPE",
      words: ["attention", "key and value", "[..., m, 3]", "[4, 2]"],
      call: (env) => attention(some(env, [2, 3]), some(env, [4, 2]), some(env, [4, 2])),
    },
    {
      name: "values of another length than the keys",
      code: "ERR_SHAPE",
      words: ["attention", "key and value", "[4, 3]", "[5, 2]"],
      call: (env) => attention(some(env, [2, 3]), some(env, [4, 3]), some(env, [5, 2])),
    },
    {
      name: "a vector for a query",
      code: "ERR_SHAPE",
      words: ["attention", "query", "[3]", "unsqueeze"],
      call: (env) => attention(some(env, [3]), some(env, [4, 3]), some(env, [4, 2])),
    },
    {
      name: "a mask that is not bool",
      code: "ERR_DTYPE",
      words: ["attention", "mask", "bool", "float32", "notEqual"],
      call: (env) => attention(some(env, [2, 3]), some(env, [4, 3]), some(env, [4, 2]), { mask: some(env, [2, 4]) }),
    },
    {
      name: "a mask that does not broadcast to the scores",
      code: "ERR_SHAPE",
      words: ["attention", "[2, 4]", "[2, 3]"],
      call: (env) =>
        attention(some(env, [2, 3]), some(env, [4, 3]), some(env, [4, 2]), { mask: some(env, [2, 3], "bool") }),
    },
  ],
}; // biome-ignore format: lists of shapes
