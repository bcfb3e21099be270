/** How the elements of each dtype travel between memory and the four lanes of a vector. */
import type { DType } from "@neurite/core";
import { f32x4, type I32, i32, i32x4, mask, memoryCopy, type Statement, type V128, v128 } from "./emitter/code.js";
import type { FunctionBuilder, Local } from "./emitter/function.js";

/** Bytes of an element in memory. */
export function elementBytes(dtype: DType): number {
  return dtype === "bool" || dtype === "uint8" ? 1 : 4;
}

/** Four neighbouring elements. A bool is all ones or all zeros in its lane, a uint8 an integer. */
export function loadLanes(dtype: DType, at: I32): V128 {
  if (dtype === "bool") return mask.fromBytes(v128.load32Zero(at));
  if (dtype === "uint8") return mask.widenBytes(v128.load32Zero(at));
  return v128.load(at);
}

/** One element in all four lanes. */
export function loadSplat(dtype: DType, at: I32): V128 {
  if (dtype === "bool") return i32x4.ne(i32x4.splat(i32.load8u(at)), i32x4.const(0));
  if (dtype === "uint8") return i32x4.splat(i32.load8u(at));
  return v128.load32Splat(at);
}

/** Four elements to memory. */
export function storeLanes(dtype: DType, at: I32, value: V128): Statement {
  if (dtype === "bool") return v128.store32Lane(at, mask.toBytes(value), 0);
  if (dtype === "uint8") return v128.store32Lane(at, mask.narrowBytes(value), 0);
  return v128.store(at, value);
}

/** The first `count` of four elements to memory, 1 ≤ count ≤ 3. */
export function storeSome(f: FunctionBuilder, dtype: DType, at: I32, value: V128, count: I32): void {
  const bytes = elementBytes(dtype);
  const packed = dtype === "bool" ? mask.toBytes(value) : dtype === "uint8" ? mask.narrowBytes(value) : value;
  const lanes = f.keep(packed);
  const lane = (i: number) => (bytes === 1 ? v128.store8Lane(at, lanes, i, i) : v128.store32Lane(at, lanes, i, 4 * i));
  f.do(lane(0));
  f.if(i32.gtU(count, 1), () => f.do(lane(1)));
  f.if(i32.gtU(count, 2), () => f.do(lane(2)));
}

/** Four elements to memory, or those that are left of a row. */
export function storeLeft(f: FunctionBuilder, dtype: DType, at: I32, value: Local<"v128">, left: I32): void {
  f.if(
    i32.gtU(left, 3),
    () => f.do(storeLanes(dtype, at, value)),
    () => storeSome(f, dtype, at, value, left),
  );
}

/** Bytes from which the engine's own copy, a call out of the module, is faster than a loop: measured with rows of 128 and 256. */
const LONG_RUN = 192;

/** Copies a run of bytes to where it does not overlap. */
export function copyBytes(f: FunctionBuilder, to: I32, from: I32, bytes: I32): void {
  const [target, source, left] = [f.keep(to), f.keep(from), f.keep(bytes)];
  const copy = (size: number, move: () => Statement) => {
    f.while(
      () => i32.geU(left, size),
      () => {
        f.do(move());
        f.increase(target, size);
        f.increase(source, size);
        f.increase(left, -size);
      },
    );
  };
  f.if(
    i32.geU(left, LONG_RUN),
    () => f.do(memoryCopy(target, source, left)),
    () => {
      copy(16, () => v128.store(target, v128.load(source)));
      copy(4, () => i32.store(target, i32.load(source)));
      copy(1, () => i32.store8(target, i32.load8u(source)));
    },
  );
}

/** 0, 1, 2, 3. */
export function laneNumbers(f: FunctionBuilder): V128 {
  return f.hoist("lanes", { type: "v128", bytes: [0xfd, 12, ...[0, 1, 2, 3].flatMap((lane) => [lane, 0, 0, 0])] });
}

/** A number as four lanes of a dtype. */
export function constantLanes(f: FunctionBuilder, dtype: DType, value: number): V128 {
  if (dtype === "float32") return f.vector(value);
  const bits = dtype === "bool" ? (value !== 0 ? -1 : 0) : value | 0;
  return f.hoist(`i${bits}`, i32x4.const(bits));
}

/** A parameter as four lanes: f32 for floats, i32 for everything else. */
export function splatParameter(dtype: DType, parameter: Local<"f32"> | Local<"i32">): V128 {
  if (parameter.type === "f32") return f32x4.splat(parameter);
  const lanes = i32x4.splat(parameter);
  return dtype === "bool" ? i32x4.ne(lanes, i32x4.const(0)) : lanes;
}

/** Keeps the first `count` lanes of `value` and puts `other` into the rest. */
export function firstLanes(f: FunctionBuilder, value: V128, other: V128, count: I32): V128 {
  const index = laneNumbers(f);
  return v128.bitselect(value, other, i32x4.lt(index, i32x4.splat(count)));
}

/** One number of four lanes. */
export function across(f: FunctionBuilder, value: V128, join: (a: V128, b: V128) => V128): Local<"v128"> {
  const all = f.keep(value);
  const pairs = f.keep(join(all, v128.shuffle32(all, all, [2, 3, 0, 1])));
  return f.keep(join(pairs, v128.shuffle32(pairs, pairs, [1, 0, 3, 2])));
}
