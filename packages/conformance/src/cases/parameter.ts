/** `Parameter` and its `assign`. */
import { grad } from "@neurite/autograd";
import { mul, Parameter, permute, scope, sum } from "@neurite/core";
import { some, tensorOf, valuesOf } from "../call.js";
import { type Case, FLOATS } from "../case.js";
import { expectEqual, expectThat } from "../compare.js";

export const parameterCase: Case = {
  op: "Parameter",
  checks: [
    {
      name: "takes its initial value over, and a scope does not free it",
      dtypes: FLOATS,
      async run(env) {
        const initial = tensorOf(env, [1, 2]);
        const parameter = scope(() => new Parameter(initial));
        expectThat(initial.disposed, "the initial tensor is still in use");
        expectEqual("the parameter", await parameter.data(), [1, 2]);
        parameter.dispose();
      },
    },
    {
      name: "takes a copy of a strided value",
      dtypes: FLOATS,
      async run(env) {
        const x = tensorOf(env, [1, 2, 3, 4], env.dtype, [2, 2]);
        const parameter = new Parameter(permute(x, [1, 0]));
        expectEqual("the parameter", await parameter.data(), [1, 3, 2, 4]);
        x.dispose();
        parameter.dispose();
      },
    },
    {
      name: "assigned a value shows it, and leaves it to the caller",
      dtypes: FLOATS,
      async run(env) {
        const parameter = new Parameter(tensorOf(env, [1, 2]));
        const value = tensorOf(env, [5, 6]);
        parameter.assign(value);
        expectEqual("the parameter", await parameter.data(), [5, 6]);
        value.dispose();
        expectEqual("the parameter after the value was freed", await parameter.data(), [5, 6]);
        parameter.dispose();
      },
    },
    {
      name: "assigned a strided value shows it",
      dtypes: FLOATS,
      async run(env) {
        const parameter = new Parameter(tensorOf(env, [0, 0, 0, 0], env.dtype, [2, 2]));
        const value = tensorOf(env, [1, 2, 3, 4], env.dtype, [2, 2]);
        const view = permute(value, [1, 0]);
        parameter.assign(view);
        const doubled = mul(parameter, 2);
        expectEqual("its double", (await valuesOf(doubled))[0], [2, 6, 4, 8]);
        for (const tensor of [parameter, value, view]) tensor.dispose();
      },
    },
    {
      name: "assigned while a gradient is recorded keeps the value that was used",
      dtypes: FLOATS,
      async run(env) {
        const parameter = new Parameter(tensorOf(env, [3]));
        const next = tensorOf(env, [100]);
        const x = tensorOf(env, [2]);
        const slope = grad((y) => {
          const product = sum(mul(y, parameter));
          parameter.assign(next);
          return product;
        })(x);
        expectEqual("the gradient", (await valuesOf(slope))[0], [3]);
        for (const tensor of [parameter, next, x]) tensor.dispose();
      },
    },
  ],
  errors: [
    {
      name: "a value of another shape",
      code: "ERR_SHAPE",
      words: ["assign", "[2]", "[3]", "keeps its shape"],
      call(env) {
        const parameter = new Parameter(some(env, [2]));
        try {
          parameter.assign(some(env, [3]));
        } finally {
          parameter.dispose();
        }
      },
    },
    {
      name: "a value of another dtype",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["assign", "float32", "int32", "cast"],
      call(env) {
        const parameter = new Parameter(some(env, [2], "float32"));
        try {
          parameter.assign(some(env, [2]));
        } finally {
          parameter.dispose();
        }
      },
    },
  ],
};
