/** Single kernels, and what grows with the book's work. */
import { Tape } from "@neurite/autograd";
import {
  add,
  conv1d,
  conv2d,
  e,
  elementwise,
  layerNorm,
  linear,
  matmul,
  mul,
  scope,
  softmax,
  type Tensor,
  tanh,
  transpose,
  withInterceptor,
} from "@neurite/core";
import type { Prepared } from "../adapter.js";
import type { Kind } from "./adapter.js";

/** Runs `compute` and frees what it made; `outputs` reads it. */
export function computation(compute: () => readonly Tensor[]): Prepared {
  return {
    run: () => scope(() => void compute()),
    outputs: () => scope(() => compute().map((x) => x.dataSync()) as never),
  };
}

/** The forward pass, and the gradients by `sources` of Σ y ⊙ dy. */
export function pullBack(sources: readonly Tensor[], forward: () => Tensor, dy: Tensor): Prepared {
  return computation(() => {
    const tape = new Tape(sources);
    try {
      const y = scope(() => withInterceptor(tape, forward) as never) as Tensor;
      return [y, ...tape.backward([y], [dy])];
    } finally {
      tape.release();
    }
  });
}

const fusedTanh = elementwise("tanhOfProductAndSum", 3, 0, (a, b, c) => e.tanh(e.add(e.mul(a, b), c)));

export const kernels: Readonly<Record<string, Kind>> = {
  matmul: ({ tensors: { a, b }, workload: { options } }) => {
    const left = options.transposeA ? transpose(a!) : a!;
    const right = options.transposeB ? transpose(b!) : b!;
    return computation(() => [matmul(left, right)]);
  },
  conv: ({ tensors: { x, filters, dy }, workload: { options } }) => {
    const forward = () => conv2d(x!, filters!, { padding: 1 });
    return options.backward ? pullBack([x!, filters!], forward, dy!) : computation(() => [forward()]);
  },
  tanh: ({ tensors: { a, b, c } }) => computation(() => [fusedTanh([a!, b!, c!])]),
  tanhUnfused: ({ tensors: { a, b, c } }) => computation(() => [tanh(add(mul(a!, b!), c!))]),
  softmax: ({ tensors: { x } }) => computation(() => [softmax(x!)]),
  layernorm: ({ tensors: { x, weight, bias } }) => computation(() => [layerNorm(x!, { weight: weight!, bias: bias! })]),
  scaledLinear: ({ tensors: { x, weight, bias } }) => computation(() => [linear(x!, weight!, bias!)]),
  scaledConv1d: ({ tensors: { x, weight, bias } }) =>
    computation(() => [conv1d(x!, weight!, { padding: "same", bias: bias! })]),
  scaledConv2d: ({ tensors: { x, weight, bias } }) =>
    computation(() => [conv2d(x!, weight!, { padding: "same", bias: bias! })]),
};
