/**
 * Elementwise functions: the flattened expression runs loop by loop over blocks that stay in cache. Read next:
 * `map/compiled.ts` (registers) and `map/loops.ts` (the loops).
 */
import type { Kernel, MapAttrs, MapFunction, View } from "@neurite/core";
import { dataOf } from "../data.js";
import { BLOCK, type Compiled, compile, type Instruction, NOTHING, store } from "../map/compiled.js";

/** By the function's uid; forms for other dtypes are chained. */
const table: (Compiled | undefined)[] = [];

function fits(compiled: Compiled, inputs: readonly View[]): boolean {
  const { dtypes } = compiled;
  for (let i = 0; i < inputs.length; i++) if (inputs[i].dtype !== dtypes[i]) return false;
  return true;
}

function compiledFor(fn: MapFunction, inputs: readonly View[]): Compiled {
  for (let c = table[fn.uid]; c !== undefined; c = c.next) if (fits(c, inputs)) return c;
  const fresh = compile(fn, inputs);
  fresh.next = table[fn.uid];
  table[fn.uid] = fresh;
  return fresh;
}

/**
 * `| 0` keeps positions and steps small integers: a single −0 among them (0 · −1) makes V8 compile the loops for float64
 * positions, three times slower, for good.
 */
export const map: Kernel<MapAttrs> = (outs, inputs, attrs) => {
  const out = outs[0];
  const compiled = compiledFor(attrs.fn, inputs);
  const { arrays, offsets, strides, scalars } = compiled;
  for (let i = 0; i < scalars.length; i++) {
    const { register, index, dtype } = scalars[i];
    store(arrays[register], dtype, attrs.scalars[index]);
  }
  const last = out.shape.length - 1;
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i];
    arrays[i] = dataOf(input);
    offsets[i] = input.offset | 0;
    strides[i] = input.strides[last] | 0;
  }
  arrays[compiled.out] = dataOf(out);
  offsets[compiled.out] = out.offset | 0;
  if (last === 0) runLine(compiled, inputs.length, out.shape[0]);
  else runRows(compiled, inputs, out, last);
  for (let i = 0; i < inputs.length; i++) arrays[i] = NOTHING;
  arrays[compiled.out] = NOTHING;
  return undefined;
};

function execute(compiled: Compiled, { loop, out, a, b, c }: Instruction, n: number): void {
  const { arrays: x, offsets: at, strides: step } = compiled;
  loop(x[out], at[out], n, x[a], at[a], step[a], x[b], at[b], step[b], x[c], at[c], step[c]);
}

/** Runs the loops over `n` elements of the innermost axis; the positions of inputs and output move along. */
function runLine(compiled: Compiled, inputs: number, n: number): void {
  const { instructions, offsets, strides, out } = compiled;
  if (instructions.length === 1) {
    execute(compiled, instructions[0], n);
    return;
  }
  for (let start = 0; start < n; start += BLOCK) {
    const length = Math.min(BLOCK, n - start);
    for (let i = 0; i < instructions.length; i++) execute(compiled, instructions[i], length);
    for (let i = 0; i < inputs; i++) offsets[i] += strides[i] * length;
    offsets[out] += length;
  }
}

/** Every row of the innermost axis; an odometer keeps the inputs' positions over the outer axes. */
function runRows(compiled: Compiled, inputs: readonly View[], out: View, last: number): void {
  const { offsets } = compiled;
  const { shape } = out;
  const n = shape[last];
  let rows = 1;
  for (let axis = 0; axis < last; axis++) rows *= shape[axis];
  const position = new Array<number>(last).fill(0);
  const starts = inputs.map((input) => input.offset | 0);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < inputs.length; i++) offsets[i] = starts[i];
    offsets[compiled.out] = out.offset + row * n;
    runLine(compiled, inputs.length, n);
    for (let axis = last - 1; axis >= 0; axis--) {
      const rewind = ++position[axis] === shape[axis];
      if (rewind) position[axis] = 0;
      for (let i = 0; i < inputs.length; i++) {
        const stride = inputs[i].strides[axis] | 0;
        starts[i] += rewind ? (stride * (1 - shape[axis])) | 0 : stride;
      }
      if (!rewind) break;
    }
  }
}
