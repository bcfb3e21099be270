import { expand, flip, matmul, permute, type Shape, scope, slice } from "@neurite/core";
import { some } from "../call.js";
import { type Case, FLOATS, NUMBERS, type Sample } from "../case.js";
import { given, numbers } from "../inputs.js";
import { at, broadcastAt, build, commonShape, indicesOf, type Plain } from "../plain.js";

/** Σₖ a[…, i, k]·b[…, k, j] with leading axes broadcast. */
export function product(a: Plain, b: Plain): Plain {
  const [m, k] = a.shape.slice(-2);
  const n = b.shape[b.shape.length - 1];
  const batches = [a, b].map((x) => x.shape.slice(0, -2));
  const batch = commonShape([...batches, []]);
  // positions of the matrices of each batch, as an array of their own
  const starts = (shape: Shape, size: number) => ({ shape, data: indicesOf(shape).map((_, i) => i * size) });
  const startsOfA = starts(batches[0], m * k);
  const startsOfB = starts(batches[1], k * n);
  const data: number[] = [];
  for (const index of indicesOf(batch)) {
    const p = broadcastAt(startsOfA, index);
    const q = broadcastAt(startsOfB, index);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += a.data[p + i * k + l] * b.data[q + l * n + j];
        data.push(sum);
      }
    }
  }
  return { shape: [...batch, m, n], data };
}

function sample(name: string, a: readonly number[], b: readonly number[], more: Partial<Sample> = {}): Sample {
  return {
    name,
    inputs: [numbers(a), numbers(b)],
    run: ([x, y]) => matmul(x, y),
    reference: ([x, y]) => product(x, y),
    ...more,
  };
}

const big = { gradient: false, dtypes: NUMBERS } as const;

export const matmulCase: Case = {
  op: "matmul",
  dtypes: NUMBERS,
  tolerance: { float32: 1e-5, reason: "a float32 accumulator rounds at each of up to 1500 additions" },
  samples: [
    sample("of two matrices", [3, 4], [4, 2]),
    sample("of a row and a column", [1, 5], [5, 1]),
    sample("of a column and a row", [3, 1], [1, 4]),
    {
      name: "of two vectors",
      inputs: [numbers([5]), numbers([5])],
      run: ([x, y]) => matmul(x, y),
      reference: ([x, y]) => ({ shape: [], data: [x.data.reduce((sum, value, i) => sum + value * y.data[i], 0)] }),
    },
    {
      name: "of a vector and a matrix",
      inputs: [numbers([3]), numbers([3, 4])],
      run: ([x, y]) => matmul(x, y),
      reference: ([x, y]) => ({ shape: [4], data: product({ shape: [1, 3], data: x.data }, y).data }),
    },
    {
      name: "of a stack and a vector",
      inputs: [numbers([2, 3, 4]), numbers([4])],
      run: ([x, y]) => matmul(x, y),
      reference: ([x, y]) => ({ shape: [2, 3], data: product(x, { shape: [4, 1], data: y.data }).data }),
    },
    sample("of two stacks", [2, 3, 4], [2, 4, 2]),
    sample("of a stack and a matrix", [2, 3, 4], [4, 2]),
    sample("of a matrix and a stack", [3, 4], [2, 4, 2]),
    sample("of stacks that broadcast to each other", [2, 1, 2, 3], [3, 3, 2]),
    sample("of a stack of one and a stack", [1, 2, 3], [3, 3, 2]),
    sample("of stacks of row vectors", [5, 1, 3], [5, 3, 2]),
    {
      name: "of two transposed operands",
      inputs: [numbers([4, 3]), numbers([2, 4])],
      run: ([x, y]) => scope(() => matmul(permute(x, [1, 0]), permute(y, [1, 0]))),
      reference: ([x, y]) =>
        product(
          build([3, 4], ([i, j]) => at(x, [j, i])),
          build([4, 2], ([i, j]) => at(y, [j, i])),
        ),
    },
    {
      name: "of stacks whose axes were exchanged, so that no single stride walks the batch",
      inputs: [numbers([3, 2, 2, 4]), numbers([2, 3, 4, 2])],
      run: ([x, y]) => scope(() => matmul(permute(x, [1, 0, 2, 3]), y)),
      reference: ([x, y]) =>
        product(
          build([2, 3, 2, 4], ([a, b, i, j]) => at(x, [b, a, i, j])),
          y,
        ),
    },
    {
      name: "of operands read backwards and in steps",
      inputs: [numbers([3, 8]), numbers([4, 3])],
      run: ([x, y]) => scope(() => matmul(slice(x, [null, [null, null, 2]]), flip(y, [0, 1]))),
      reference: ([x, y]) =>
        product(
          build([3, 4], ([i, j]) => at(x, [i, 2 * j])),
          build([4, 3], ([i, j]) => at(y, [3 - i, 2 - j])),
        ),
    },
    {
      name: "of an expanded operand",
      inputs: [numbers([1, 4]), numbers([4, 2])],
      run: ([x, y]) => scope(() => matmul(expand(x, [3, 4]), y)),
      reference: ([x, y]) =>
        product(
          build([3, 4], ([, j]) => at(x, [0, j])),
          y,
        ),
    },
    sample("with 67×45×131 elements", [67, 45], [45, 131], big),
    sample("with 5×131×67 elements", [5, 131], [131, 67], big),
    sample("of stacks with 3×17×33×19 elements", [3, 17, 33], [3, 33, 19], big),
    sample("of a stack with 4×9×33 elements and a matrix", [4, 9, 33], [33, 19], big),
    {
      // longer than a loop bound that GPU compilers like to assume
      ...sample("over 1500 elements", [2, 1500], [1500, 3], { gradient: false, dtypes: FLOATS }),
      inputs: [numbers([2, 1500], 0, 1), numbers([1500, 3], 0, 1)],
    },
    {
      // longer than the blocks that kernels cut the inner axis into
      ...sample("of 9×700 and 700×10 elements", [9, 700], [700, 10], { gradient: false, dtypes: FLOATS }),
      inputs: [numbers([9, 700], 0, 1), numbers([700, 10], 0, 1)],
    },
    {
      // wider than the blocks that kernels cut rows into
      ...sample("of 2×3 and 3×2101 elements", [2, 3], [3, 2101], { gradient: false, dtypes: FLOATS }),
      inputs: [numbers([2, 3], 0, 1), numbers([3, 2101], 0, 1)],
    },
    sample("over an empty axis, which gives zeros", [2, 0], [0, 3], { gradient: false }),
    sample("without rows", [0, 3], [3, 2], { gradient: false }),
    sample("of an empty stack", [0, 2, 3], [0, 3, 2], { gradient: false }),
    {
      name: "of NaN and infinities",
      inputs: [given([1, Number.NaN, 1, Number.POSITIVE_INFINITY, 0, 1], [3, 2]), given([1, 2, 0, 1], [2, 2])],
      dtypes: FLOATS,
      run: ([x, y]) => matmul(x, y),
      reference: ([x, y]) => product(x, y),
      gradient: false,
    },
  ],
  errors: [
    {
      name: "inner lengths that differ",
      code: "ERR_SHAPE",
      words: ["matmul", "[2, 3]", "3 columns", "[4, 2]", "transpose"],
      call: (env) => matmul(some(env, [2, 3]), some(env, [4, 2])),
    },
    {
      name: "a stack and a matrix whose inner lengths differ",
      code: "ERR_SHAPE",
      words: ["matmul", "[2, 2, 3]", "[4, 2]"],
      call: (env) => matmul(some(env, [2, 2, 3]), some(env, [4, 2])),
    },
    {
      name: "batches that do not broadcast",
      code: "ERR_SHAPE",
      words: ["matmul", "broadcast", "[2]", "[3]"],
      call: (env) => matmul(some(env, [2, 2, 3]), some(env, [3, 3, 2])),
    },
    {
      name: "a scalar",
      code: "ERR_SHAPE",
      words: ["matmul", "scalar", "mul"],
      call: (env) => matmul(some(env, []), some(env, [2, 2])),
    },
    {
      name: "two dtypes",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["matmul", "float32", "int32", "cast"],
      call: (env) => matmul(some(env, [2, 2], "float32"), some(env, [2, 2])),
    },
    {
      name: "bool operands",
      dtype: "bool",
      code: "ERR_DTYPE",
      words: ["matmul", "bool", "cast"],
      call: (env) => matmul(some(env, [2, 2]), some(env, [2, 2])),
    },
  ],
};
