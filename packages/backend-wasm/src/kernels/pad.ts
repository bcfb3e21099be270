/** Padding and joining: both place runs of neighbouring elements into a larger tensor. */
import { contiguousStrides, type PadAttrs, type View } from "@neurite/core";
import { i32 } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { copyBytes, elementBytes } from "../lanes.js";
import { addressOf, forEachOuter } from "../views.js";
import { fillView } from "./fill.js";

const GRAIN = 16_384;
const PLACE = {
  begin: "i32",
  end: "i32",
  bytes: "i32",
  from: "i32",
  fromStep: "i32",
  to: "i32",
  toStep: "i32",
} as const;

/** Runs begin … end of `bytes` bytes from steps of one size to steps of another. */
function definePlace(module: ModuleBuilder): void {
  module.define("run", PLACE, (f, p) => {
    const item = f.keep(p.begin);
    f.while(
      () => i32.ltU(item, p.end),
      () => {
        const from = i32.add(p.from, i32.mul(item, p.fromStep));
        const to = i32.add(p.to, i32.mul(item, p.toStep));
        copyBytes(f, to, from, p.bytes);
        f.increase(item, 1);
      },
    );
  });
}

/** Copies `count` runs of `bytes` bytes from steps of one size to steps of another. */
export function place(
  engine: Engine,
  count: number,
  bytes: number,
  from: number,
  fromStep: number,
  to: number,
  toStep: number,
) {
  const kernel = engine.kernel("place", definePlace);
  engine.run(kernel, count, Math.ceil(GRAIN / bytes), bytes, from, fromStep, to, toStep);
}

export function makePad(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[], { before, interior, value }: PadAttrs): undefined => {
    const [out] = outs as [View];
    const [x] = inputs as [View];
    fillView(engine, out, value);
    const bytes = elementBytes(x.dtype);
    const outStrides = contiguousStrides(out.shape);
    // the input's elements as a strided view of the output
    const offset = before.reduce((sum, count, axis) => sum + count * outStrides[axis]!, out.offset);
    const strides = outStrides.map((stride, axis) => stride * (interior[axis]! + 1));
    const target: View = { ...out, shape: x.shape, strides, offset };
    const source: View = { ...x, strides: contiguousStrides(x.shape) };
    const rank = x.shape.length;
    // the longest runs of neighbours, which are those of x that have none of the padding between them
    let run = 1;
    let axis = rank - 1;
    while (axis >= 0 && strides[axis] === run) run *= x.shape[axis--]!;
    const [count, fromStep, toStep] = axis < 0 ? [1, 0, 0] : [x.shape[axis]!, source.strides[axis]!, strides[axis]!];
    forEachOuter(x.shape, Math.max(0, axis), [source, target], ([from, to]) =>
      place(engine, count, run * bytes, from!, fromStep * bytes, to!, toStep * bytes),
    );
  };
}

export function makeConcat(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [out] = outs as [View];
    const [outer, total, inner] = out.shape as [number, number, number];
    const bytes = elementBytes(out.dtype);
    let at = addressOf(out);
    for (const x of inputs) {
      const run = x.shape[1]! * inner * bytes;
      place(engine, outer, run, addressOf(x), run, at, total * inner * bytes);
      at += run;
    }
  };
}
