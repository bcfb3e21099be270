/** How many multiplications with an addition an op makes: those of products of matrices and filters; all else is left out. */
import { type Shape, sizeOf, type Tensor } from "@neurite/core";

type Rule = (inputs: readonly Tensor[], outs: readonly Tensor[]) => number;

const last = (shape: Shape, back = 1): number => shape[shape.length - back]!;

/** Each output of a convolution sees one filter. */
const convolution: Rule = ([, filters], [y]) => y!.size * (filters!.size / last(filters!.shape));
/** Each input of a transposed convolution meets all of its filters. */
const transposed: Rule = ([x, filters]) => x!.size * (filters!.size / last(filters!.shape));
/** Each step's state meets the recurrent weight. */
const recurrence: Rule = ([shares, weight]) => shares!.size * last(weight!.shape);

const RULES: Readonly<Record<string, Rule>> = {
  linear: ([x], [y]) => y!.size * last(x!.shape),
  matmul: ([a], [y]) => y!.size * last(a!.shape),
  lstm: recurrence,
  gru: recurrence,
  // queries with keys, weights with values
  attention: ([q, k], [y]) => (y!.size / last(y!.shape)) * last(k!.shape, 2) * (last(q!.shape) + last(y!.shape)),
  conv1d: convolution,
  conv2d: convolution,
  conv3d: convolution,
  convTranspose1d: transposed,
  convTranspose2d: transposed,
  convTranspose3d: transposed,
};

/** Of one call of the op by that name; 0 for an op without products. */
export function multiplyAddsOf(op: string, inputs: readonly Tensor[], outs: readonly Tensor[]): number {
  return sizeOf(outs[0]!.shape) === 0 ? 0 : (RULES[op]?.(inputs, outs) ?? 0);
}
