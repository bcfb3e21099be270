/** Inputs of samples: described as data, made the same on every run. */
import type { DType, Shape } from "@neurite/core";
import { count, type Plain } from "./plain.js";

/** Numbers from 0 to below 1. */
export type Random = () => number;

export interface InputSpec {
  readonly shape: Shape;
  /** Default: the dtype under test. */
  readonly dtype?: DType;
  /** The numbers themselves, or how to draw one. */
  readonly values: readonly number[] | ((random: Random, dtype: DType) => number);
}

export interface Range {
  readonly low: number;
  readonly high: number;
  /** Draw from offset + k·step only: keeps operands apart, or away from a kink. */
  readonly step?: number;
  readonly offset?: number;
  /** Numbers to stay 0.1 away from, such as a kink. */
  readonly avoid?: readonly number[];
}

/** Uniform numbers of the dtype under test: floats of the range, integers of it, or bits. */
export function numbers(shape: Shape, low = -2, high = 2, more: Omit<Range, "low" | "high"> = {}): InputSpec {
  const range = { low, high, ...more };
  return { shape, values: (random, dtype) => draw(range, random, dtype) };
}

function draw({ low, high, step, offset = 0, avoid = [] }: Range, random: Random, dtype: DType): number {
  if (dtype === "bool") return Math.floor(random() * 2);
  if (dtype === "int32" || dtype === "uint8") {
    const first = Math.ceil(dtype === "uint8" ? Math.max(low, 0) : low);
    return first + Math.floor(random() * (Math.floor(high) - first + 1));
  }
  for (;;) {
    let value = low + (high - low) * random();
    if (step !== undefined) value = offset + step * Math.round((value - offset) / step);
    if (value >= low && value <= high && avoid.every((point) => Math.abs(value - point) >= 0.1)) return value;
  }
}

/** Different numbers in mixed order, at least 0.25 apart: an extreme stays the extreme when it is nudged. */
export function distinct(shape: Shape): InputSpec {
  const n = count(shape);
  // 7 and n must have no common factor for i·7 mod n to take each value once
  const stride = n % 7 === 0 ? 11 : 7;
  return { shape, values: Array.from({ length: n }, (_, i) => ((i * stride) % n) * 0.25 - n / 8) };
}

/** Integers from `low` to `high`, as int32 whatever the dtype under test. */
export function integers(shape: Shape, low: number, high: number): InputSpec {
  return { shape, dtype: "int32", values: (random) => low + Math.floor(random() * (high - low + 1)) };
}

/** Random bits as bool, whatever the dtype under test. */
export function bits(shape: Shape): InputSpec {
  return { shape, dtype: "bool", values: (random) => Math.floor(random() * 2) };
}

/** These numbers, as a vector unless a shape is given. */
export function given(values: readonly number[], shape: Shape = [values.length], dtype?: DType): InputSpec {
  return dtype ? { shape, values, dtype } : { shape, values };
}

/** Numbers from a text: always the same, and unlike those from any other text (mulberry32 after a hash of the text). */
export function seeded(text: string): Random {
  let state = 0;
  for (const letter of text) state = Math.imul(state ^ letter.codePointAt(0)!, 0x01000193) + 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `value` as an array of `dtype` stores it; floats of both widths are those of float32, so that all dtypes see the same. */
export function rounded(value: number, dtype: DType): number {
  switch (dtype) {
    case "bool":
      return value !== 0 ? 1 : 0;
    case "uint8":
      return Math.trunc(value) & 255;
    case "int32":
      return value | 0;
    default:
      return Math.fround(value);
  }
}

/** An input made for a dtype under test. */
export interface MadeInput extends Plain {
  readonly dtype: DType;
}

/** @param seed names the sample and the position, so that every input differs */
export function makeInput(spec: InputSpec, dtypeUnderTest: DType, seed: string): MadeInput {
  const dtype = spec.dtype ?? dtypeUnderTest;
  const random = seeded(seed);
  const { values } = spec;
  const data =
    typeof values === "function"
      ? Array.from({ length: count(spec.shape) }, () => rounded(values(random, dtype), dtype))
      : values.map((value) => rounded(value, dtype));
  return { shape: spec.shape, data, dtype };
}
