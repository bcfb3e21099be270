/**
 * A map function made ready for given dtypes: a list of loops over numbered registers. Registers are, in this order, the
 * inputs, the constants and scalars, the intermediates and the output.
 */
import {
  type DType,
  hostArray,
  type MapFunction,
  type Operation,
  type Step,
  type TypedArray,
  type View,
} from "@neurite/core";
import { type Loop, loopFor, same } from "./loops.js";

/** Elements per block: with a handful of intermediates of 8 kB each, all of them stay in the first-level cache. */
export const BLOCK = 2048;

/** A loop and the registers it works on. Missing operands repeat the first. */
export interface Instruction {
  readonly loop: Loop;
  readonly out: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** A register that takes scalar `index` at each call. */
interface ScalarRegister {
  readonly register: number;
  readonly index: number;
  readonly dtype: DType;
}

export interface Compiled {
  readonly dtypes: readonly DType[];
  readonly instructions: readonly Instruction[];
  readonly scalars: readonly ScalarRegister[];
  /** Number of the register that is the output. */
  readonly out: number;
  /** Current array, position and step of each register. */
  readonly arrays: TypedArray[];
  readonly offsets: number[];
  readonly strides: number[];
  /** The same function for other dtypes. */
  next: Compiled | undefined;
}

/** Stands in a register between calls, so that no storage is held longer than it lives. */
export const NOTHING = new Uint8Array(0);

/** A number in an array of its dtype, which rounds it. */
export function store(to: TypedArray, dtype: DType, value: number): void {
  to[0] = dtype === "bool" ? Number(value !== 0) : value;
}

export function compile(fn: MapFunction, inputs: readonly View[]): Compiled {
  const {
    steps,
    results: [result],
  } = fn.program("map", inputs);
  const registers = new Registers(inputs.length);
  for (const step of steps) for (const arg of step.args) if (arg.kind !== "step") registers.leaf(arg);
  const bare = result.kind === "step" ? null : registers.leaf(result);
  const leaves = registers.arrays.length;
  const values = assign(steps, registers);
  const out = registers.add(hostArray(result.type, 0));
  values[steps.length - 1] = out;

  const instructions = steps.map((step, i): Instruction => {
    const [a, b, c] = step.args.map((arg) => (arg.kind === "step" ? values[arg.index] : registers.leaf(arg)));
    return { loop: loopFor(step.fn, step.operandType), out: values[i], a, b: b ?? a, c: c ?? a };
  });
  if (bare !== null) instructions.push({ loop: same, out, a: bare, b: bare, c: bare });
  const { arrays, scalars } = registers;
  return {
    dtypes: inputs.map(({ dtype }) => dtype),
    instructions,
    scalars,
    out,
    arrays,
    offsets: arrays.map(() => 0),
    strides: arrays.map((_, register) => (register < leaves ? 0 : 1)),
    next: undefined,
  };
}

/**
 * The scratch register of every step but the last, which writes the output. A value gives its register back at its last
 * use, to the step that uses it at the earliest: every loop reads element i before it writes it.
 */
function assign(steps: readonly Step[], registers: Registers): number[] {
  const lastUse: number[] = [];
  for (const [i, step] of steps.entries()) {
    for (const arg of step.args) if (arg.kind === "step") lastUse[arg.index] = i;
  }
  const values: number[] = [];
  for (const [i, step] of steps.entries()) {
    if (i === steps.length - 1) break;
    for (const arg of new Set(step.args)) {
      if (arg.kind === "step" && lastUse[arg.index] === i) registers.release(values[arg.index], steps[arg.index].type);
    }
    values[i] = registers.scratch(step.type);
  }
  return values;
}

/** Scratch blocks by dtype, shared by all functions: kernels run one at a time. */
const blocks: Partial<Record<DType, TypedArray[]>> = {};

class Registers {
  readonly arrays: TypedArray[];
  readonly scalars: ScalarRegister[] = [];
  readonly #leaves = new Map<string, number>();
  readonly #idle: Partial<Record<DType, number[]>> = {};
  readonly #made: Partial<Record<DType, number>> = {};

  constructor(inputs: number) {
    this.arrays = new Array<TypedArray>(inputs).fill(NOTHING);
  }

  add(array: TypedArray): number {
    return this.arrays.push(array) - 1;
  }

  /** The register of an input, scalar or constant. */
  leaf(operation: Operation): number {
    if (operation.kind === "input") return operation.index;
    const { type } = operation;
    const value = operation.kind === "constant" ? operation.value : operation.index;
    const key = `${operation.kind} ${Object.is(value, -0) ? "-0" : value} ${type}`;
    let register = this.#leaves.get(key);
    if (register === undefined) {
      const array = hostArray(type, 1);
      register = this.add(array);
      this.#leaves.set(key, register);
      if (operation.kind === "constant") store(array, type, value);
      else this.scalars.push({ register, index: value, dtype: type });
    }
    return register;
  }

  scratch(dtype: DType): number {
    const idle = this.#idle[dtype]?.pop();
    if (idle !== undefined) return idle;
    const index = this.#made[dtype] ?? 0;
    this.#made[dtype] = index + 1;
    blocks[dtype] ??= [];
    blocks[dtype][index] ??= hostArray(dtype, BLOCK);
    return this.add(blocks[dtype][index]);
  }

  release(register: number, dtype: DType): void {
    this.#idle[dtype] ??= [];
    this.#idle[dtype].push(register);
  }
}
