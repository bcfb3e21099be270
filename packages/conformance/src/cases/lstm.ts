import { lstm } from "@neurite/core";
import { some } from "../call.js";
import type { Case, Sample } from "../case.js";
import { given, type InputSpec, numbers } from "../inputs.js";
import { at, build, type Plain } from "../plain.js";
import { lstmStep } from "./lstm-cell.js";

/** Row `t` of the first axis. */
function step(x: Plain, t: number): Plain {
  return build(x.shape.slice(1), (index) => at(x, [t, ...index]));
}

/** shares + h·Wᵀ */
function fed(shares: Plain, weight: Plain, h: Plain): Plain {
  const hidden = h.shape[1];
  return build(shares.shape, ([i, j]) => {
    let sum = at(shares, [i, j]);
    for (let k = 0; k < hidden; k++) sum += at(h, [i, k]) * at(weight, [j, k]);
    return sum;
  });
}

/** `next` in real rows, `old` in padded ones. */
function held(mask: Plain | undefined, t: number, next: Plain, old: (index: readonly number[]) => number): Plain {
  return build(next.shape, (index) => (!mask || at(mask, [t, index[0]]) === 1 ? at(next, index) : old(index)));
}

function reference([shares, weight, h0, c0, mask]: readonly Plain[], reverse: boolean): Plain[] {
  const time = shares.shape[0];
  const outputs: Plain[] = [];
  let [h, c] = [h0, c0];
  for (let i = 0; i < time; i++) {
    const t = reverse ? time - 1 - i : i;
    const [nextH, nextC] = lstmStep(fed(step(shares, t), weight, h), c);
    outputs[t] = held(mask, t, nextH, () => 0);
    const [oldH, oldC] = [h, c];
    h = held(mask, t, nextH, (index) => at(oldH, index));
    c = held(mask, t, nextC, (index) => at(oldC, index));
  }
  return [{ shape: [time, ...h.shape], data: outputs.flatMap(({ data }) => data) }, h, c];
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
      const results = lstm(shares, weight, { h, c }, on ? { reverse, mask: on } : { reverse });
      return [results.output, results.h, results.c];
    },
    reference: (plain) => reference(plain, reverse),
    ...more,
  };
}

const ones = (env: Parameters<typeof some>[0], n: number, hidden: number) => ({
  h: some(env, [n, hidden]),
  c: some(env, [n, hidden]),
});

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
      call: (env) => lstm(some(env, [3, 2, 6]), some(env, [8, 2]), ones(env, 2, 2)),
    },
    {
      name: "no step",
      code: "ERR_SHAPE",
      words: ["lstm", "shares", "time ≥ 1", "[0, 2, 8]"],
      call: (env) => lstm(some(env, [0, 2, 8]), some(env, [8, 2]), ones(env, 2, 2)),
    },
    {
      name: "a weight of another size",
      code: "ERR_SHAPE",
      words: ["lstm", "weight", "[8, 2]", "[2, 8]"],
      call: (env) => lstm(some(env, [3, 2, 8]), some(env, [2, 8]), ones(env, 2, 2)),
    },
    {
      name: "a state of another size",
      code: "ERR_SHAPE",
      words: ["lstm", "h", "[2, 2]", "[3, 2]"],
      call: (env) => lstm(some(env, [3, 2, 8]), some(env, [8, 2]), ones(env, 3, 2)),
    },
    {
      name: "a mask that has the batch first",
      code: "ERR_SHAPE",
      words: ["lstm", "mask", "[3, 2]", "[2, 3]"],
      call: (env) =>
        lstm(some(env, [3, 2, 8]), some(env, [8, 2]), ones(env, 2, 2), { mask: some(env, [2, 3], "bool") }),
    },
    {
      name: "a mask that is not bool",
      code: "ERR_DTYPE",
      words: ["lstm", "mask", "bool", "float32", "notEqual"],
      call: (env) => lstm(some(env, [3, 2, 8]), some(env, [8, 2]), ones(env, 2, 2), { mask: some(env, [3, 2]) }),
    },
    {
      name: "integers",
      dtype: "int32",
      code: "ERR_DTYPE",
      words: ["lstm", "shares", "float32 or float64", "int32"],
      call: (env) => lstm(some(env, [3, 2, 8]), some(env, [8, 2]), ones(env, 2, 2)),
    },
  ],
};
