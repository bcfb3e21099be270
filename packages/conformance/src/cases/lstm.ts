import { lstm, type SequenceOptions } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Env, Sample } from "../case.js";
import { given, type InputSpec, numbers } from "../inputs.js";
import { type Plain, zip } from "../plain.js";
import { heldAt, joined, productOf, stepOf } from "../sequence-reference.js";
import { lstmStep } from "./lstm-cell.js";

function reference([shares, weight, h0, c0, mask]: readonly Plain[], reverse: boolean): Plain[] {
  const time = shares.shape[0];
  const outputs: Plain[] = [];
  let [h, c] = [h0, c0];
  for (let i = 0; i < time; i++) {
    const t = reverse ? time - 1 - i : i;
    const gates = zip([stepOf(shares, t), productOf(h, weight)], (share, own) => share + own);
    const [nextH, nextC] = lstmStep(gates, c);
    outputs[t] = heldAt(mask, t, nextH, null);
    h = heldAt(mask, t, nextH, h);
    c = heldAt(mask, t, nextC, c);
  }
  return [joined(outputs), h, c];
}

function sample(
  name: string,
  [time, n, hidden]: readonly [number, number, number],
  { reverse = false, mask, ...more }: Partial<Sample> & { reverse?: boolean; mask?: InputSpec } = {},
): Sample {
  const inputs = [
    numbers([time, n, 4 * hidden]),
    numbers([4 * hidden, hidden], -1, 1),
    numbers([n, hidden]),
    numbers([n, hidden]),
  ];
  return {
    name,
    inputs: mask ? [...inputs, mask] : inputs,
    run([shares, weight, h, c, on]) {
      const results = lstm(shares, weight, { h, c }, { reverse, mask: on });
      return [results.output, results.h, results.c];
    },
    reference: (plain) => reference(plain, reverse),
    ...more,
  };
}

/** Two sequences of three steps, two units, except for what is given. */
function call(
  env: Env,
  given: Readonly<Partial<Record<"shares" | "weight" | "h", number[]>>>,
  options?: SequenceOptions,
) {
  const { shares = [3, 2, 8], weight = [8, 2], h = [2, 2] } = given;
  return lstm(some(env, shares), some(env, weight), { h: some(env, h), c: some(env, [2, 2]) }, options);
}

export const lstmCase: Case = {
  op: "lstm",
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
      ...sample("whose last c alone is used", [2, 2, 2]),
      run([shares, weight, h, c]) {
        const results = lstm(shares, weight, { h, c });
        results.output.dispose();
        results.h.dispose();
        return results.c;
      },
      reference: (plain) => reference(plain, false)[2],
    },
  ],
  errors: [
    {
      name: "shares that are no four blocks",
      code: "ERR_SHAPE",
      words: ["lstm", "shares", "[time, n, 4·hidden]", "[3, 2, 6]", "transpose"],
      call: (env) => call(env, { shares: [3, 2, 6] }),
    },
    {
      name: "no step",
      code: "ERR_SHAPE",
      words: ["lstm", "shares", "time ≥ 1", "[0, 2, 8]"],
      call: (env) => call(env, { shares: [0, 2, 8] }),
    },
    {
      name: "a weight of another size",
      code: "ERR_SHAPE",
      words: ["lstm", "weight", "[8, 2]", "[2, 8]"],
      call: (env) => call(env, { weight: [2, 8] }),
    },
    {
      name: "a state of another size",
      code: "ERR_SHAPE",
      words: ["lstm", "h", "[2, 2]", "[3, 2]"],
      call: (env) => call(env, { h: [3, 2] }),
    },
    {
      name: "a mask that has the batch first",
      code: "ERR_SHAPE",
      words: ["lstm", "mask", "[3, 2]", "[2, 3]"],
      call: (env) => call(env, {}, { mask: some(env, [2, 3], "bool") }),
    },
    {
      name: "a mask that is not bool",
      code: "ERR_DTYPE",
      words: ["lstm", "mask", "bool", "float32", "notEqual"],
      call: (env) => call(env, {}, { mask: some(env, [3, 2]) }),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["lstm", "shares", "float32 or float64", "int32"],
      call: (env) => call(env, {}),
    },
  ],
};
