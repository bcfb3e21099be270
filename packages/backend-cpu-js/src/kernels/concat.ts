import type { Kernel } from "@neurite/core";
import { copyRun, dataOf } from "../data.js";

/** outs `[outer, Σ nᵢ, inner]`, inputs `[outer, nᵢ, inner]`: per outer index, one run of each input after the other. */
export const concat: Kernel<Record<string, never>> = (outs, inputs) => {
  const out = outs[0];
  const data = dataOf(out);
  const [outer, total, inner] = out.shape;
  const row = total * inner;
  let start = out.offset;
  for (const input of inputs) {
    const from = dataOf(input);
    const run = input.shape[1] * inner;
    for (let o = 0; o < outer; o++) copyRun(data, start + o * row, from, input.offset + o * run, run);
    start += run;
  }
  return undefined;
};
