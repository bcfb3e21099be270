import { type GruOptions, gru } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Env, Sample } from "../case.js";
import { given, type InputSpec, numbers } from "../inputs.js";
import { type Plain, zip } from "../plain.js";
import { heldAt, joined, productOf, stepOf } from "../sequence-reference.js";
import { gruStep } from "./gru-cell.js";

function reference([shares, weight, h0, bias, mask]: readonly Plain[], reverse: boolean): Plain[] {
  const time = shares.shape[0];
  const outputs: Plain[] = [];
  let h = h0;
  for (let i = 0; i < time; i++) {
    const t = reverse ? time - 1 - i : i;
    const recurrent = zip([productOf(h, weight), bias], (own, added) => own + added);
    const next = gruStep(stepOf(shares, t), recurrent, h);
    outputs[t] = heldAt(mask, t, next, null);
    h = heldAt(mask, t, next, h);
  }
  return [joined(outputs), h];
}

function sample(
  name: string,
  [time, n, hidden]: readonly [number, number, number],
  { reverse = false, mask, ...more }: Partial<Sample> & { reverse?: boolean; mask?: InputSpec } = {},
): Sample {
  const inputs = [
    numbers([time, n, 3 * hidden]),
    numbers([3 * hidden, hidden], -1, 1),
    numbers([n, hidden]),
    numbers([3 * hidden]),
  ];
  return {
    name,
    inputs: mask ? [...inputs, mask] : inputs,
    run([shares, weight, h, bias, on]) {
      const results = gru(shares, weight, h, { bias, reverse, mask: on });
      return [results.output, results.h];
    },
    reference: (plain) => reference(plain, reverse),
    ...more,
  };
}

/** Two sequences of three steps, two units, except for what is given. */
function call(env: Env, given: Readonly<Partial<Record<"shares" | "weight" | "h", number[]>>>, options?: GruOptions) {
  const { shares = [3, 2, 6], weight = [6, 2], h = [2, 2] } = given;
  return gru(some(env, shares), some(env, weight), some(env, h), options);
}

export const gruCase: Case = {
  op: "gru",
  fused: true,
  samples: [
    sample("of two sequences of three steps", [3, 2, 3]),
    sample("of one step of one unit", [1, 1, 1]),
    sample("from the last step to the first", [3, 2, 2], { reverse: true }),
    sample("of 9 steps of 17 sequences of 33 units", [9, 17, 33], { gradient: false }),
    sample("of 5 reversed steps of 9 sequences of 16 units", [5, 9, 16], { gradient: false, reverse: true }),
    sample("of no sequence", [2, 0, 2]),
    sample("of sequences of different lengths", [3, 3, 2], {
      mask: given([1, 1, 0, 1, 1, 0, 1, 0, 0], [3, 3], "bool"),
    }),
    sample("of padded sequences from the last step to the first", [3, 2, 3], {
      reverse: true,
      mask: given([1, 1, 1, 1, 1, 0], [3, 2], "bool"),
    }),
    sample("of 3 steps of 9 sequences of 33 units with gaps", [3, 9, 33], {
      mask: given(
        Array.from({ length: 27 }, (_, i) => ((i * i) % 5 < 2 ? 0 : 1)),
        [3, 9],
        "bool",
      ),
      gradient: false,
    }),
    {
      ...sample("without a bias, whose last h alone is used", [2, 2, 2]),
      inputs: [numbers([2, 2, 6]), numbers([6, 2], -1, 1), numbers([2, 2])],
      run([shares, weight, h]) {
        const results = gru(shares, weight, h);
        results.output.dispose();
        return results.h;
      },
      reference: (plain) => reference([...plain, { shape: [1], data: [0] }], false)[1],
    },
  ],
  errors: [
    {
      name: "shares that are no three blocks",
      code: "ERR_SHAPE",
      words: ["gru", "shares", "[time, n, 3·hidden]", "[3, 2, 4]", "transpose"],
      call: (env) => call(env, { shares: [3, 2, 4] }),
    },
    {
      name: "no step",
      code: "ERR_SHAPE",
      words: ["gru", "shares", "time ≥ 1", "[0, 2, 6]"],
      call: (env) => call(env, { shares: [0, 2, 6] }),
    },
    {
      name: "a weight of another size",
      code: "ERR_SHAPE",
      words: ["gru", "weight", "[6, 2]", "[2, 6]"],
      call: (env) => call(env, { weight: [2, 6] }),
    },
    {
      name: "a state of another size",
      code: "ERR_SHAPE",
      words: ["gru", "h", "[2, 2]", "[3, 2]"],
      call: (env) => call(env, { h: [3, 2] }),
    },
    {
      name: "a bias of another size",
      code: "ERR_SHAPE",
      words: ["gru", "bias", "[6]", "[2]"],
      call: (env) => call(env, {}, { bias: some(env, [2]) }),
    },
    {
      name: "a mask that has the batch first",
      code: "ERR_SHAPE",
      words: ["gru", "mask", "[3, 2]", "[2, 3]"],
      call: (env) => call(env, {}, { mask: some(env, [2, 3], "bool") }),
    },
    {
      name: "a mask that is not bool",
      code: "ERR_DTYPE",
      words: ["gru", "mask", "bool", "float32", "notEqual"],
      call: (env) => call(env, {}, { mask: some(env, [3, 2]) }),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["gru", "shares", "float32 or float64", "int32"],
      call: (env) => call(env, {}),
    },
  ],
};
