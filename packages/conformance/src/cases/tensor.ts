import { type DType, equal, fromHost, type NestedArray, scope, type TypedArray, tensor } from "@neurite/core";
import { type Case, type Env, FLOATS, type Sample } from "../case.js";

function made(
  name: string,
  data: NestedArray | TypedArray,
  shape: readonly number[],
  values: readonly number[],
  result: DType,
): Sample {
  return {
    name,
    inputs: [],
    dtypes: ["float32"],
    run: (_, { device }) => tensor(data, { device }),
    reference: () => ({ shape, data: values }),
    result,
  };
}

export const tensorCase: Case = {
  op: "tensor",
  storage: true,
  gradient: false,
  samples: [
    made("from nested numbers", [[1, 2, 3], [4, 5, 6]], [2, 3], [1, 2, 3, 4, 5, 6], "float32"),
    made("from one number", 2.5, [], [2.5], "float32"),
    made("from booleans", [true, false], [2], [1, 0], "bool"),
    made("from an Int32Array", new Int32Array([3, -4]), [2], [3, -4], "int32"),
    made("from a Uint8Array", new Uint8Array([3, 255]), [2], [3, 255], "uint8"),
    made("from an empty list", [], [0], [], "float32"),
    {
      name: "from numbers, in the dtype and shape asked for",
      inputs: [],
      dtypes: FLOATS,
      run: (_, { device, dtype }) => tensor([1, 2, 3, 4], { device, dtype, shape: [2, 2] }),
      reference: () => ({ shape: [2, 2], data: [1, 2, 3, 4] }),
    },
    {
      name: "from bytes as bool, each of them 0 or 1 then",
      inputs: [],
      dtypes: ["float32"],
      run: (_, { device }) =>
        scope(() => [
          fromHost(Uint8Array.of(7, 0, 1, 255), "bool", [4], device),
          equal(fromHost(Uint8Array.of(7, 0), "bool", [2], device), tensor([true, true], { device })),
        ]),
      reference: () => [
        { shape: [4], data: [1, 0, 1, 1] },
        { shape: [2], data: [1, 0] },
      ],
      result: "bool",
    },
    {
      name: "from numbers as bool, true unless 0",
      inputs: [],
      dtypes: ["float32"],
      run: (_, { device }) => tensor([0, 0.5, -2], { device, dtype: "bool" }),
      reference: () => ({ shape: [3], data: [0, 1, 1] }),
      result: "bool",
    },
  ],
  errors: [
    ...(
      [
        ["int32", 3e9],
        ["int32", 0.5],
        ["uint8", 300],
        ["uint8", -1],
        ["float32", 1e39],
        ["int32", Number.NaN],
      ] as const
    ).map(([dtype, value]) => ({
      name: `${value} as ${dtype}`,
      code: "ERR_VALUE" as const,
      words: ["tensor", "element 1", dtype, String(value)],
      call: ({ device }: Env) => tensor([1, value], { dtype, device }),
    })),
    {
      name: "ragged rows",
      code: "ERR_SHAPE",
      words: ["tensor", "equal lengths", "level 1"],
      call: ({ device }) => tensor([[1, 2], [3]], { device }),
    },
    {
      name: "a shape that does not fit the data",
      code: "ERR_SHAPE",
      words: ["tensor", "6 elements", "[2, 3]", "4"],
      call: ({ device }) => fromHost(new Float32Array(4), "float32", [2, 3], device),
    },
    {
      name: "an array of another kind",
      code: "ERR_DTYPE",
      words: ["tensor", "Float32Array", "Int16Array"],
      call: ({ device }) => tensor(new Int16Array(2) as unknown as Int32Array, { device }),
    },
  ],
}; // biome-ignore format: nested lists
