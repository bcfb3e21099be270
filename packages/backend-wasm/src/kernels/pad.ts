/** Padding and joining: both place runs of neighbouring elements into a larger tensor. */
import { contiguousStrides, type PadAttrs, type View } from "@neurite/core";
import { i32, memoryCopy } from "../emitter/code.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { elementBytes } from "../lanes.js";
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
function definePlace(module: ModuleBuilder, single: boolean): void {
  module.define("run", PLACE, (f, p) => {
    const item = f.keep(p.begin);
    f.while(
      () => i32.ltU(item, p.end),
      () => {
        const from = i32.add(p.from, i32.mul(item, p.fromStep));
        const to = i32.add(p.to, i32.mul(item, p.toStep));
        f.do(single ? i32.store(to, i32.load(from)) : memoryCopy(to, from, p.bytes));
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
  const single = bytes === 4;
  const kernel = engine.kernel(`place ${single}`, (module) => definePlace(module, single));
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
    if (rank === 0) {
      place(engine, 1, bytes, addressOf(source), 0, addressOf(target), 0);
      return;
    }
    const last = x.shape[rank - 1]!;
    if (strides[rank - 1] !== 1) {
      forEachOuter(x.shape, rank - 1, [source, target], ([from, to]) =>
        place(engine, last, bytes, from!, bytes, to!, strides[rank - 1]! * bytes),
      );
      return;
    }
    // whole rows at once
    const rows = rank > 1 ? x.shape[rank - 2]! : 1;
    const [fromStep, toStep] = rank > 1 ? [source.strides[rank - 2]! * bytes, strides[rank - 2]! * bytes] : [0, 0];
    forEachOuter(x.shape, Math.max(0, rank - 2), [source, target], ([from, to]) =>
      place(engine, rows, last * bytes, from!, fromStep, to!, toStep),
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
