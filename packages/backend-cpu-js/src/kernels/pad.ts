import type { Kernel, PadAttrs } from "@neurite/core";
import { copyRun, dataOf, elementsOf } from "../data.js";

/** Fills the output with `value`, then lays the input into it, row by row. */
export const pad: Kernel<PadAttrs> = (outs, inputs, attrs) => {
  const [out] = outs;
  const [x] = inputs;
  const to = dataOf(out);
  const from = dataOf(x);
  to.fill(out.dtype === "bool" ? Number(attrs.value !== 0) : attrs.value, out.offset, out.offset + elementsOf(out));

  const rank = x.shape.length;
  const steps = new Array<number>(rank);
  let p = out.offset;
  for (let axis = rank - 1, stride = 1; axis >= 0; axis--) {
    p += attrs.before[axis] * stride;
    steps[axis] = stride * (attrs.interior[axis] + 1);
    stride *= out.shape[axis];
  }

  const last = rank - 1;
  const length = x.shape[last];
  const step = steps[last];
  const rows = elementsOf(x) / length;
  const position = new Array<number>(rank).fill(0);
  let q = x.offset;
  for (let row = 0; row < rows; row++) {
    if (step === 1) copyRun(to, p, from, q, length);
    else for (let i = 0; i < length; i++) to[p + i * step] = from[q + i];
    q += length;
    for (let axis = last - 1; axis >= 0; axis--) {
      p += steps[axis];
      if (++position[axis] < x.shape[axis]) break;
      p -= steps[axis] * position[axis];
      position[axis] = 0;
    }
  }
  return undefined;
};
