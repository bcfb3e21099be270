/** Padding at the ends of axes and between their elements. */
import { dispatch } from "../dispatch.js";
import { expectFits } from "../dtype.js";
import { ShapeError } from "../errors.js";
import { badValue, expectList, expectOptions, expectRecord, type OptionKinds } from "../expect.js";
import { defineOp } from "../op.js";
import { formatShape } from "../shape.js";
import { expectTensor, type Tensor } from "../tensor.js";
import { withPacked } from "./copy.js";
import { fillTensor } from "./create.js";
import { slice } from "./views.js";

interface PadOpAttrs {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly interior: readonly number[];
  readonly value: number;
}

const padOp = /* @__PURE__ */ defineOp<PadOpAttrs>({
  name: "pad",
  infer: ([x], { before, after, interior }) => [
    {
      dtype: x!.dtype,
      shape: x!.shape.map((n, i) => before[i]! + after[i]! + n + Math.max(n - 1, 0) * interior[i]!),
    },
  ],
  lower(device, [out], inputs, attrs) {
    if (out!.size === 0) return;
    if (inputs[0]!.size === 0) fillTensor(out!, attrs.value);
    else withPacked(inputs, (ready) => device.backend.kernels.pad([out!], ready, attrs));
  },
  vjp: ({ attrs: { before, interior }, inputs: [x], dy: [dy] }) => [
    slice(
      dy!,
      x!.shape.map((n, i) => [before[i]!, before[i]! + n + Math.max(n - 1, 0) * interior[i]!, interior[i]! + 1]),
    ),
  ],
});

/** Padding of one axis; each part defaults to 0. */
export interface PadWidth {
  readonly before?: number;
  readonly after?: number;
  /** Elements between neighbours. */
  readonly interior?: number;
}

const WIDTH: OptionKinds<PadWidth> = { before: "integer", after: "integer", interior: "integer" };

/**
 * `x` with `value` put before, after and between its elements.
 * @param widths one per axis
 * @throws ShapeError for a negative width or a wrong number of them
 */
export function pad(x: Tensor, widths: readonly PadWidth[], value = 0): Tensor {
  expectTensor("pad", "x", x);
  expectList("pad", "widths", widths, "{ before, after, interior }");
  widths.forEach((width, i) => {
    expectRecord("pad", `widths[${i}]`, width, "{ before, after, interior }");
    expectOptions("pad", width, WIDTH);
  });
  if (typeof value !== "number") throw badValue("pad", "value", "a number", value);
  // any number but 0 is true
  if (x.dtype !== "bool") expectFits("pad", "value", value, x.dtype);
  const before = widths.map((width) => width.before ?? 0);
  const after = widths.map((width) => width.after ?? 0);
  const interior = widths.map((width) => width.interior ?? 0);
  const all = [...before, ...after, ...interior];
  if (widths.length !== x.rank || all.some((width) => !Number.isInteger(width) || width < 0)) {
    throw new ShapeError({
      op: "pad",
      argument: "widths",
      expected: `${x.rank} widths of non-negative integers for ${formatShape(x.shape)}`,
      received: JSON.stringify(widths),
      remedy: "Use slice to cut elements away.",
    });
  }
  if (all.every((width) => width === 0)) return x;
  return dispatch(padOp, [x], { before, after, interior, value })[0]!;
}
