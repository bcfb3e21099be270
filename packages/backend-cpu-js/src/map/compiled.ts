/**
 * A map function made ready for given dtypes: a list of loops over numbered registers. Registers are, in this order, the
 * inputs, the constants and scalars, the intermediates and the output.
 */
import { type DType, hostArray, type MapFunction, type Operation, type TypedArray } from "@neurite/core";
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

/** Scratch blocks by dtype, shared by all functions: kernels run one at a time. */
const scratch: Partial<Record<DType, TypedArray[]>> = {};

function scratchBlock(dtype: DType, index: number): TypedArray {
  let blocks = scratch[dtype];
  if (!blocks) {
    blocks = [];
    scratch[dtype] = blocks;
  }
  let block = blocks[index];
  if (!block) {
    block = hostArray(dtype, BLOCK);
    blocks[index] = block;
  }
  return block;
}

/** A number in an array of its dtype, which rounds it. */
export function store(to: TypedArray, dtype: DType, value: number): void {
  to[0] = dtype === "bool" ? Number(value !== 0) : value;
}

/** Stands in a register between calls, so that no storage is held longer than it lives. */
export const NOTHING = new Uint8Array(0);

export function compile(fn: MapFunction, dtypes: readonly DType[]): Compiled {
  const { steps, result, type } = fn.program("map", dtypes);
  const arrays: TypedArray[] = dtypes.map(() => NOTHING);
  const scalars: ScalarRegister[] = [];
  const fixed = new Map<string, number>();

  /** The register of an operand that is no step. */
  const leaf = (operation: Operation): number => {
    if (operation.kind === "input") return operation.index;
    const value = operation.kind === "constant" ? operation.value : operation.index;
    const key = `${operation.kind} ${Object.is(value, -0) ? "-0" : value} ${operation.type}`;
    let register = fixed.get(key);
    if (register === undefined) {
      register = arrays.push(hostArray(operation.type, 1)) - 1;
      fixed.set(key, register);
      if (operation.kind === "constant") store(arrays[register], operation.type, operation.value);
      else scalars.push({ register, index: operation.index, dtype: operation.type });
    }
    return register;
  };
  for (const step of steps) for (const arg of step.args) if (arg.kind !== "step") leaf(arg);
  const bare = result.kind === "step" ? -1 : leaf(result);
  const firstScratch = arrays.length;

  const lastUse = steps.map((_, i) => i);
  steps.forEach((step, i) => {
    for (const arg of step.args) if (arg.kind === "step") lastUse[arg.index] = i;
  });
  const registers: number[] = [];
  const idle: Partial<Record<DType, number[]>> = {};
  const made: Partial<Record<DType, number>> = {};
  const takeScratch = (dtype: DType): number => {
    const free = idle[dtype]?.pop();
    if (free !== undefined) return free;
    const index = made[dtype] ?? 0;
    made[dtype] = index + 1;
    return arrays.push(scratchBlock(dtype, index)) - 1;
  };
  const OUT = -1;
  const instructions = steps.map((step, i) => {
    const args = step.args.map((arg) => (arg.kind === "step" ? registers[arg.index] : leaf(arg)));
    // An operand that dies here may be overwritten here: every loop reads element i before it writes it.
    const dying = new Set(step.args.map((arg) => (arg.kind === "step" && lastUse[arg.index] === i ? arg.index : -1)));
    for (const index of dying) {
      if (index < 0) continue;
      const dtype = steps[index].type;
      idle[dtype] ??= [];
      idle[dtype].push(registers[index]);
    }
    registers[i] = i === steps.length - 1 ? OUT : takeScratch(step.type);
    return {
      loop: loopFor(step.fn, step.operandType),
      out: registers[i],
      a: args[0],
      b: args[1] ?? args[0],
      c: args[2] ?? args[0],
    };
  });
  if (bare >= 0) instructions.push({ loop: same, out: OUT, a: bare, b: bare, c: bare });

  const out = arrays.push(hostArray(type, 0)) - 1;
  return {
    dtypes: [...dtypes],
    instructions: instructions.map((instruction) => (instruction.out === OUT ? { ...instruction, out } : instruction)),
    scalars,
    out,
    offsets: arrays.map(() => 0),
    strides: arrays.map((_, register) => (register >= firstScratch ? 1 : 0)),
    arrays,
    next: undefined,
  };
}
