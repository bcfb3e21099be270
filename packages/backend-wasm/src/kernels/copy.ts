/** Copies of strided views, with conversion between dtypes. */
import { contiguousStrides, type DType, sizeOf, type View } from "@neurite/core";
import { f32, f32x4, type I32, i32, i32x4, type V128 } from "../emitter/code.js";
import type { FunctionBuilder } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { Engine } from "../engine.js";
import { copyBytes, elementBytes, loadLanes, storeLanes, storeSome } from "../lanes.js";
import { addressOf, type Block, forEachOuter, viewAt } from "../views.js";

const GRAIN = 16_384;

export function makeCopy(engine: Engine) {
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    copyView(engine, outs[0]!, inputs[0]!);
  };
}

/** Fills a contiguous view from one of the same shape. */
function copyView(engine: Engine, out: View, x: View): void {
  const rank = out.shape.length;
  const n = out.shape[rank - 1]!;
  const dense = x.strides[rank - 1] === 1 || n === 1;
  const kernel = engine.variant(dense ? "copy dense" : "copy strided", x.dtype, out.dtype, (module) =>
    defineCopy(module, x.dtype, out.dtype, dense),
  );
  const bytes = elementBytes(x.dtype);
  const step = x.strides[rank - 1]! * bytes;
  if (rank === 1) {
    // cut into rows, so that the work can be shared
    const width = Math.min(n, GRAIN);
    const whole = Math.floor(n / width);
    const rest = n - whole * width;
    const rowStep = width * (dense ? bytes : step);
    engine.run(kernel, whole, 1, width, addressOf(out), addressOf(x), rowStep, step, whole, 0);
    if (rest > 0) {
      const target = addressOf(out) + whole * width * elementBytes(out.dtype);
      engine.run(kernel, 1, 1, rest, target, addressOf(x) + whole * rowStep, 0, step, 1, 0);
    }
    return;
  }
  const grain = Math.ceil(GRAIN / n);
  const strides = contiguousStrides(out.shape);
  const [rows, rowStep] = [out.shape[rank - 2]!, x.strides[rank - 2]! * bytes];
  const [planes, planeStep] = rank > 2 ? [out.shape[rank - 3]!, x.strides[rank - 3]! * bytes] : [1, 0];
  forEachOuter(out.shape, Math.max(0, rank - 3), [{ ...out, strides }, x], ([target, source]) => {
    engine.run(kernel, planes * rows, grain, n, target!, source!, rowStep, step, rows, planeStep);
  });
}

/**
 * Contiguous copies of the views that `unfit` picks, the others as they are; `release` frees the copies.
 */
export function pack(
  engine: Engine,
  views: readonly View[],
  unfit: (view: View) => boolean,
): { readonly views: readonly View[]; readonly release: () => void } {
  if (!views.some(unfit)) return { views, release: () => {} };
  const scratch: Block[] = [];
  const packed = views.map((view) => {
    if (!unfit(view)) return view;
    const pointer = engine.heap.allocate(sizeOf(view.shape) * elementBytes(view.dtype));
    const copy = viewAt(pointer, view.dtype, view.shape);
    scratch.push(copy.id);
    copyView(engine, copy, view);
    return copy;
  });
  const release = () => {
    for (const { pointer, bytes } of scratch) engine.heap.release(pointer, bytes);
  };
  return { views: packed, release };
}

/**
 * Rows begin … end of n elements, counted through planes of `rows`: out contiguous, x by a plane, a row and (unless dense) an
 * element step in bytes.
 */
function defineCopy(module: ModuleBuilder, from: DType, to: DType, dense: boolean): void {
  const parameters = {
    begin: "i32",
    end: "i32",
    n: "i32",
    out: "i32",
    x: "i32",
    rowStep: "i32",
    step: "i32",
    rows: "i32",
    planeStep: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const row = f.keep(p.begin);
    const plane = f.keep(i32.divU(p.begin, p.rows));
    const rowOfPlane = f.keep(i32.remU(p.begin, p.rows));
    const source = f.variable("i32");
    const target = f.variable("i32");
    const left = f.variable("i32");
    f.while(
      () => i32.ltU(row, p.end),
      () => {
        f.set(source, i32.add(p.x, i32.add(i32.mul(plane, p.planeStep), i32.mul(rowOfPlane, p.rowStep))));
        f.set(target, i32.add(p.out, i32.mul(i32.mul(row, p.n), elementBytes(to))));
        f.set(left, p.n);
        if (dense && from === to) copyBytes(f, target, source, i32.mul(left, elementBytes(from)));
        else if (dense) {
          const value = () => convertLanes(f, from, to, loadLanes(from, source));
          f.while(
            () => i32.gtU(left, 3),
            () => {
              f.do(storeLanes(to, target, value()));
              f.increase(source, 4 * elementBytes(from));
              f.increase(target, 4 * elementBytes(to));
              f.increase(left, -4);
            },
          );
          f.if(left, () => storeSome(f, to, target, value(), left));
        } else {
          f.while(
            () => left,
            () => {
              storeOne(f, from, to, target, source);
              f.increase(source, p.step);
              f.increase(target, elementBytes(to));
              f.increase(left, -1);
            },
          );
        }
        f.increase(row, 1);
        f.increase(rowOfPlane, 1);
        f.if(i32.eq(rowOfPlane, p.rows), () => {
          f.set(rowOfPlane, i32.const(0));
          f.increase(plane, 1);
        });
      },
    );
  });
}

/** Lanes of one dtype as lanes of another: floats truncate toward zero, all numbers saturate, anything but 0 is true. */
function convertLanes(f: FunctionBuilder, from: DType, to: DType, given: V128): V128 {
  const value = f.keep(given);
  if (from === to) return value;
  const isFloat = from === "float32";
  if (to === "bool") return isFloat ? f32x4.ne(value, f.vector(0)) : i32x4.ne(value, i32x4.const(0));
  const integer = isFloat ? i32x4.truncSatF32(value) : from === "bool" ? i32x4.shrU(value, 31) : value;
  if (to === "float32") return f32x4.convertI32(integer);
  return to === "uint8" ? i32x4.max(i32x4.min(integer, i32x4.const(255)), i32x4.const(0)) : integer;
}

/** An integer kept within 0 … 255. */
function byteOf(f: FunctionBuilder, integer: I32): I32 {
  const value = f.keep(integer);
  const low = f.keep(i32.select(i32.const(0), value, i32.ltS(value, i32.const(0))));
  return i32.select(i32.const(255), low, i32.gtS(low, i32.const(255)));
}

/** One element converted. */
function storeOne(f: FunctionBuilder, from: DType, to: DType, target: I32, source: I32): void {
  const small = elementBytes(from) === 1;
  const integer = small ? i32.load8u(source) : i32.load(source);
  if (from === to) {
    f.do(small ? i32.store8(target, integer) : i32.store(target, integer));
    return;
  }
  const isFloat = from === "float32";
  if (to === "bool") {
    f.do(i32.store8(target, isFloat ? f32.ne(f32.load(source), f32.const(0)) : i32.ne(integer, 0)));
    return;
  }
  const converted = isFloat ? i32.truncSatF32(f32.load(source)) : integer;
  if (to === "float32") f.do(f32.store(target, f32.convertI32(converted)));
  else
    f.do(to === "uint8" ? i32.store8(target, small ? converted : byteOf(f, converted)) : i32.store(target, converted));
}
