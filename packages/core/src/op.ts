/** Op records: everything core knows about one op. Read next: `dispatch.ts`, which runs them. */
import type { FusedKernel } from "./backend.js";
import type { Device } from "./device.js";
import type { DType } from "./dtype.js";
import type { Shape } from "./shape.js";
import { state } from "./state.js";
import type { Tensor } from "./tensor.js";

/** Shape and dtype of a result to be. */
export interface Meta {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a vector-Jacobian product may use. Inputs and outputs not named in `saves` keep shape and dtype but cannot be read. */
export interface VjpContext<A> {
  readonly attrs: A;
  /** Inputs by position; only those saved are readable. */
  readonly inputs: readonly Tensor[];
  /** Saved outputs by position. */
  readonly outputs: readonly Tensor[];
  /** The hidden results, in `infer`'s order. */
  readonly aux: readonly Tensor[];
  /** Gradient of each output; zeros where an output was not used. */
  readonly dy: readonly Tensor[];
  /** Which inputs a gradient is wanted for. */
  readonly needs: readonly boolean[];
}

/**
 * The gradient leftᵀ·right, not computed yet, of a matrix [p, q]; left [n, p], right [n, q]. Those that arrive at one matrix, such as
 * a recurrent weight, become one product over all their rows.
 */
export class OuterProduct {
  constructor(
    readonly left: Tensor,
    readonly right: Tensor,
  ) {}
}

/** What a vjp says of one input. */
export type Gradient = Tensor | OuterProduct | null;

/** Which values a vjp reads: `inputs`/`outputs` by position. Saved values live until that vjp has run. */
export interface Saves {
  readonly inputs?: readonly number[] | "all";
  readonly outputs?: readonly number[] | "all";
}

export interface OpDefinition<A> {
  readonly name: string;
  /**
   * Validates, and tells shape and dtype of the outputs; with `aux`, those of the hidden results after them.
   * The only place where an op checks its arguments.
   */
  infer(inputs: readonly Tensor[], attrs: A, aux: boolean): readonly Meta[];
  /** The op in terms of other ops; runs where the backend has no kernel of the op's name. With `aux` it returns those results too. */
  compose?(inputs: readonly Tensor[], attrs: A, aux: boolean): readonly Tensor[];
  /** The op in terms of the required kernels; outputs are allocated, nothing is recorded. Has precedence over a fused kernel. */
  lower?(device: Device, outs: readonly Tensor[], inputs: readonly Tensor[], attrs: A): void;
  /** The op as a view of its input. */
  view?(input: Tensor, attrs: A): Tensor;
  /** Gradients by each input (null: none); an op without it records its composition. */
  vjp?(context: VjpContext<A>): readonly Gradient[];
  /** Number of hidden results that `vjp` reads (gates, mean and rstd …); they are made only while recording. */
  readonly aux?: number;
  /** Read by `vjp`; a function where it depends on the attributes or on which gradients are wanted. */
  readonly saves?: Saves | ((attrs: A, needs: readonly boolean[]) => Saves);
  /** False for ops whose results carry no gradient (comparisons, argMax). */
  readonly differentiable?: boolean;
}

export interface OpRecord<A> extends OpDefinition<A> {
  /** Index into a device's kernel table. */
  readonly id: number;
  /** Kernels added from outside, by backend name. */
  readonly kernels: Map<string, FusedKernel>;
}

/**
 * Defines an op. Exactly one of `view`, `lower` and `compose` says how it runs.
 * @example
 * const square = defineOp<{}>({
 *   name: "square", infer: ([x]) => [x!], compose: ([x]) => [mul(x!, x!)],
 * });
 * const y = dispatch(square, [x], {})[0];
 */
export function defineOp<A>(definition: OpDefinition<A>): OpRecord<A> {
  const { name, infer, compose, lower, view, vjp, aux, saves, differentiable } = definition;
  // all records have the same fields in the same order: the engine then reads any of them without a search
  const record = {
    name,
    infer,
    compose,
    lower,
    view,
    vjp,
    aux,
    saves,
    differentiable,
    id: state.nextOp++,
    kernels: new Map(),
  };
  return record as OpRecord<A>;
}

/** Adds a kernel for `op` to a backend from outside: devices whose backend has this name use it from the next call on. */
export function registerKernel<A>(op: OpRecord<A>, backendName: string, kernel: FusedKernel): void {
  op.kernels.set(backendName, kernel);
  state.kernelEpoch++;
}
