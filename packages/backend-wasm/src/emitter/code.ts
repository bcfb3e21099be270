/**
 * WebAssembly instructions as typed values: a `Code<"i32">` is bytes that leave one i32 on the stack, so a mistake about
 * types is an error of the TypeScript compiler. Read next: `function.ts`, which strings them into function bodies.
 */

/** Types of values on the stack. */
export type ValueType = "i32" | "f32" | "f64" | "v128";

/** Instructions that leave one value of type `T`. */
export interface Code<T extends ValueType> {
  readonly type: T;
  readonly bytes: readonly number[];
}

/** Instructions that leave nothing. */
export interface Statement {
  readonly type: "void";
  readonly bytes: readonly number[];
}

export type I32 = Code<"i32">;
export type F32 = Code<"f32">;
export type F64 = Code<"f64">;
export type V128 = Code<"v128">;

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 127;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 128);
  } while (rest !== 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 127;
    rest >>= 7;
    if ((rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 128);
  }
}

const SIMD = 0xfd;

function make<T extends ValueType>(type: T, opcode: readonly number[], ...operands: Code<ValueType>[]): Code<T> {
  const bytes: number[] = [];
  for (const operand of operands) for (const byte of operand.bytes) bytes.push(byte);
  bytes.push(...opcode);
  return { type, bytes };
}

function statement(opcode: readonly number[], ...operands: Code<ValueType>[]): Statement {
  return { type: "void", bytes: make("i32", opcode, ...operands).bytes };
}

/** Alignment (log₂ bytes) and constant offset of a memory access. */
function memoryArgument(align: number, offset: number): number[] {
  return [align, ...unsigned(offset)];
}

const floatBytes = new DataView(new ArrayBuffer(8));
function f32Bytes(value: number): number[] {
  floatBytes.setFloat32(0, value, true);
  return Array.from({ length: 4 }, (_, i) => floatBytes.getUint8(i));
}
function f64Bytes(value: number): number[] {
  floatBytes.setFloat64(0, value, true);
  return Array.from({ length: 8 }, (_, i) => floatBytes.getUint8(i));
}
function i32Bytes(value: number): number[] {
  floatBytes.setInt32(0, value, true);
  return Array.from({ length: 4 }, (_, i) => floatBytes.getUint8(i));
}

function i64Bytes(value: bigint): number[] {
  floatBytes.setBigInt64(0, BigInt.asIntN(64, value), true);
  return Array.from({ length: 8 }, (_, i) => floatBytes.getUint8(i));
}

const repeat2 = (bytes: readonly number[]) => [...bytes, ...bytes];
const repeat4 = (bytes: readonly number[]) => [...bytes, ...bytes, ...bytes, ...bytes];

/** An i32 operation on two values, where a number stands for a constant. */
const binaryI32 = (opcode: number) => (a: I32, b: I32 | number) =>
  make("i32", [opcode], a, typeof b === "number" ? i32.const(b) : b);
const binaryF32 = (opcode: number) => (a: F32, b: F32) => make("f32", [opcode], a, b);
const unaryF32 = (opcode: number) => (a: F32) => make("f32", [opcode], a);
const compareF32 = (opcode: number) => (a: F32, b: F32) => make("i32", [opcode], a, b);
const binaryF64 = (opcode: number) => (a: F64, b: F64) => make("f64", [opcode], a, b);
const unaryF64 = (opcode: number) => (a: F64) => make("f64", [opcode], a);
const compareF64 = (opcode: number) => (a: F64, b: F64) => make("i32", [opcode], a, b);
const simd = (opcode: number) => [SIMD, ...unsigned(opcode)];
const unaryV = (opcode: number) => (a: V128) => make("v128", simd(opcode), a);
const binaryV = (opcode: number) => (a: V128, b: V128) => make("v128", simd(opcode), a, b);
const ternaryV = (opcode: number) => (a: V128, b: V128, c: V128) => make("v128", simd(opcode), a, b, c);
const shiftV = (opcode: number) => (a: V128, by: number) => make("v128", simd(opcode), a, i32.const(by));

export const i32 = {
  const: (value: number): I32 => make("i32", [0x41, ...signed(value)]),
  load: (at: I32, offset = 0): I32 => make("i32", [0x28, ...memoryArgument(2, offset)], at),
  load8u: (at: I32, offset = 0): I32 => make("i32", [0x2d, ...memoryArgument(0, offset)], at),
  store: (at: I32, value: I32, offset = 0) => statement([0x36, ...memoryArgument(2, offset)], at, value),
  store8: (at: I32, value: I32, offset = 0) => statement([0x3a, ...memoryArgument(0, offset)], at, value),
  eqz: (a: I32): I32 => make("i32", [0x45], a),
  eq: binaryI32(0x46),
  ne: binaryI32(0x47),
  ltS: binaryI32(0x48),
  ltU: binaryI32(0x49),
  gtS: binaryI32(0x4a),
  gtU: binaryI32(0x4b),
  leU: binaryI32(0x4d),
  geU: binaryI32(0x4f),
  add: binaryI32(0x6a),
  sub: binaryI32(0x6b),
  mul: binaryI32(0x6c),
  and: binaryI32(0x71),
  or: binaryI32(0x72),
  shl: binaryI32(0x74),
  shrU: binaryI32(0x76),
  divU: binaryI32(0x6e),
  remU: binaryI32(0x70),
  /** `a` where `condition` is not 0, else `b`. */
  select: (a: I32, b: I32, condition: I32): I32 => make("i32", [0x1b], a, b, condition),
  /** The smaller one, unsigned; both are written out twice. */
  minU: (a: I32, b: I32): I32 => i32.select(a, b, i32.ltU(a, b)),
  truncSatF32: (a: F32): I32 => make("i32", [0xfc, 0], a),
  reinterpretF32: (a: F32): I32 => make("i32", [0xbc], a),
};

export const f32 = {
  const: (value: number): F32 => make("f32", [0x43, ...f32Bytes(value)]),
  load: (at: I32, offset = 0): F32 => make("f32", [0x2a, ...memoryArgument(2, offset)], at),
  store: (at: I32, value: F32, offset = 0) => statement([0x38, ...memoryArgument(2, offset)], at, value),
  eq: compareF32(0x5b),
  ne: compareF32(0x5c),
  lt: compareF32(0x5d),
  gt: compareF32(0x5e),
  add: binaryF32(0x92),
  sub: binaryF32(0x93),
  mul: binaryF32(0x94),
  div: binaryF32(0x95),
  sqrt: unaryF32(0x91),
  convertI32: (a: I32): F32 => make("f32", [0xb2], a),
};

export const f64 = {
  const: (value: number): F64 => make("f64", [0x44, ...f64Bytes(value)]),
  lt: compareF64(0x63),
  ge: compareF64(0x66),
  abs: unaryF64(0x99),
  neg: unaryF64(0x9a),
  floor: unaryF64(0x9c),
  trunc: unaryF64(0x9d),
  /** To nearest, halves to even. */
  nearest: unaryF64(0x9e),
  add: binaryF64(0xa0),
  sub: binaryF64(0xa1),
  mul: binaryF64(0xa2),
  div: binaryF64(0xa3),
  convertU32: (a: I32): F64 => make("f64", [0xb8], a),
  promote: (a: F32): F64 => make("f64", [0xbb], a),
  /** `a` where `condition` is not 0, else `b`. */
  select: (a: F64, b: F64, condition: I32): F64 => make("f64", [0x1b], a, b, condition),
};

export const v128 = {
  load: (at: I32, offset = 0): V128 => make("v128", [SIMD, 0, ...memoryArgument(2, offset)], at),
  load32Splat: (at: I32, offset = 0): V128 => make("v128", [SIMD, 9, ...memoryArgument(2, offset)], at),
  load32Zero: (at: I32, offset = 0): V128 => make("v128", [SIMD, 92, ...memoryArgument(0, offset)], at),
  store: (at: I32, value: V128, offset = 0) => statement([SIMD, 11, ...memoryArgument(2, offset)], at, value),
  store32Lane: (at: I32, value: V128, lane: number, offset = 0) =>
    statement([SIMD, 90, ...memoryArgument(0, offset), lane], at, value),
  store64Lane: (at: I32, value: V128, lane: number, offset = 0) =>
    statement([SIMD, 91, ...memoryArgument(0, offset), lane], at, value),
  store8Lane: (at: I32, value: V128, lane: number, offset = 0) =>
    statement([SIMD, 88, ...memoryArgument(0, offset), lane], at, value),
  not: unaryV(77),
  and: binaryV(78),
  andnot: binaryV(79),
  or: binaryV(80),
  xor: binaryV(81),
  /** Bits of `a` where `mask` is set, else of `b`. */
  bitselect: ternaryV(82),
  anyTrue: (a: V128): I32 => make("i32", simd(83), a),
  /** Bits of each lane moved up by whole bytes, those that leave it back in below. */
  rotateBytes: (a: V128, count: number): V128 => {
    const bytes = Array.from({ length: 16 }, (_, i) => (i & ~3) + ((i - count) & 3));
    return make("v128", [SIMD, 13, ...bytes], a, a);
  },
  /** Lanes 0 … 3 of a, 4 … 7 of b. */
  shuffle32: (a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 =>
    make("v128", [SIMD, 13, ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte))], a, b),
};

export const f32x4 = {
  const: (value: number): V128 => make("v128", [SIMD, 12, ...repeat4(f32Bytes(value))]),
  splat: (a: F32): V128 => make("v128", simd(19), a),
  extract: (a: V128, lane: number): F32 => make("f32", [...simd(31), lane], a),
  eq: binaryV(65),
  ne: binaryV(66),
  lt: binaryV(67),
  gt: binaryV(68),
  le: binaryV(69),
  ge: binaryV(70),
  ceil: unaryV(103),
  floor: unaryV(104),
  trunc: unaryV(105),
  /** To nearest, halves to even. */
  nearest: unaryV(106),
  abs: unaryV(224),
  neg: unaryV(225),
  sqrt: unaryV(227),
  add: binaryV(228),
  sub: binaryV(229),
  mul: binaryV(230),
  div: binaryV(231),
  /** Hands on NaN, as max does. */
  min: binaryV(232),
  max: binaryV(233),
  /** b < a ? b : a, one instruction on x86: a NaN in `a` stays, one in `b` does not. */
  pmin: binaryV(234),
  /** a < b ? b : a, likewise. */
  pmax: binaryV(235),
  convertI32: unaryV(250),
  /** a·b + c with one rounding or two: which one is the engine's choice. Needs relaxed SIMD. */
  relaxedMadd: ternaryV(0x105),
};

export const i32x4 = {
  const: (value: number): V128 => make("v128", [SIMD, 12, ...repeat4(i32Bytes(value))]),
  splat: (a: I32): V128 => make("v128", simd(17), a),
  extract: (a: V128, lane: number): I32 => make("i32", [...simd(27), lane], a),
  eq: binaryV(55),
  ne: binaryV(56),
  lt: binaryV(57),
  gt: binaryV(59),
  le: binaryV(61),
  ge: binaryV(63),
  abs: unaryV(160),
  neg: unaryV(161),
  shl: shiftV(171),
  shrS: shiftV(172),
  shrU: shiftV(173),
  add: binaryV(174),
  sub: binaryV(177),
  mul: binaryV(181),
  min: binaryV(182),
  max: binaryV(184),
  truncSatF32: unaryV(248),
};

export const f64x2 = {
  const: (value: number): V128 => make("v128", [SIMD, 12, ...repeat2(f64Bytes(value))]),
  splat: (a: F64): V128 => make("v128", simd(20), a),
  replace: (a: V128, lane: number, value: F64): V128 => make("v128", [...simd(34), lane], a, value),
  eq: binaryV(71),
  lt: binaryV(73),
  ge: binaryV(76),
  /** The first two of four int32. */
  convertLowI32: unaryV(254),
  /** The first two of four float32. */
  promoteLow: unaryV(95),
  /** Two float32, and two zeros. */
  demoteZero: unaryV(94),
  trunc: unaryV(122),
  abs: unaryV(236),
  sqrt: unaryV(239),
  add: binaryV(240),
  sub: binaryV(241),
  mul: binaryV(242),
  div: binaryV(243),
  /** As those of f32x4: a NaN in `a` stays. */
  pmin: binaryV(246),
  pmax: binaryV(247),
  /** See that of f32x4. */
  relaxedMadd: ternaryV(0x107),
};

export const i64x2 = {
  const: (value: bigint): V128 => make("v128", [SIMD, 12, ...repeat2(i64Bytes(value))]),
  shl: shiftV(203),
  shrU: shiftV(205),
  add: binaryV(206),
  sub: binaryV(209),
};

/** Between the four low bytes of a vector and its lanes. */
export const mask = {
  /** Bytes as unsigned integers. */
  widenBytes: (a: V128): V128 => unaryV(169)(unaryV(137)(a)),
  /** Integers 0 … 255 as bytes. */
  narrowBytes: (a: V128): V128 => {
    const halves = binaryV(134)(a, i32x4.const(0));
    return binaryV(102)(halves, i32x4.const(0));
  },
  /** Bytes 0 or 1 as lanes of all zeros or all ones. */
  fromBytes: (a: V128): V128 => i32x4.ne(mask.widenBytes(a), i32x4.const(0)),
  toBytes: (a: V128): V128 => mask.narrowBytes(i32x4.shrU(a, 31)),
};

/** Copies `bytes` bytes; the ranges may overlap. */
export function memoryCopy(to: I32, from: I32, bytes: I32): Statement {
  return statement([0xfc, 0x0a, 0, 0], to, from, bytes);
}

/** Sets `bytes` bytes to `value`. */
export function memoryFill(to: I32, value: I32, bytes: I32): Statement {
  return statement([0xfc, 0x0b, 0], to, value, bytes);
}
