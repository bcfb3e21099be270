/**
 * How an op runs: through the interceptors, then as a view, by required kernels (`lower`), by the backend's fused
 * kernel, or as its composition.
 */
import type { FusedKernel } from "./backend.js";
import type { Device } from "./device.js";
import { defaultDevice } from "./device.js";
import { IndexError } from "./errors.js";
import type { Meta, OpRecord } from "./op.js";
import { allContiguous, withPacked } from "./ops/copy.js";
import { scope } from "./scope.js";
import { state } from "./state.js";
import { allocateTensor, commonDevice, expectTensor, isTensor, type Tensor } from "./tensor.js";

/**
 * Runs an op and returns its outputs.
 * @param aux whether hidden results are wanted behind the outputs; only autograd asks for them
 */
export function dispatch<A>(op: OpRecord<A>, inputs: readonly Tensor[], attrs: A, aux = false): Tensor[] {
  for (let i = 0; i < inputs.length; i++) if (!isTensor(inputs[i])) expectTensor(op.name, `input ${i}`, inputs[i]);
  const frame = state.top;
  if (frame === null) return execute(op, inputs, attrs, aux);
  state.top = frame.below;
  try {
    return frame.interceptor.intercept(op, inputs, attrs, aux, dispatch);
  } finally {
    state.top = frame;
  }
}

function execute<A>(op: OpRecord<A>, inputs: readonly Tensor[], attrs: A, aux: boolean): Tensor[] {
  const device = inputs.length > 0 ? commonDevice(op.name, inputs) : deviceOf(attrs);
  if (op.view) return [op.view(inputs[0]!, attrs)];
  const metas = op.infer(inputs, attrs, aux);
  let kernel = device.kernelFor(op);
  // kernels never see an empty tensor
  if (kernel !== null && (anyEmpty(inputs) || anyEmpty(metas))) kernel = null;
  if (kernel === null && !op.lower) return composed(op, inputs, attrs, aux);
  // most ops have one result, and an array made with it is smaller than one that grows
  const outs = [allocateTensor(device, metas[0]!.shape, metas[0]!.dtype)];
  try {
    for (let i = 1; i < metas.length; i++) outs.push(allocateTensor(device, metas[i]!.shape, metas[i]!.dtype));
    if (kernel === null) op.lower!(device, outs, inputs, attrs);
    if (kernel === null || runKernel(op.name, kernel, outs, inputs, attrs)) return outs;
  } catch (error) {
    for (const out of outs) out.dispose("its op failed");
    throw device.explained(error);
  }
  for (const out of outs) out.dispose("its kernel declined");
  return composed(op, inputs, attrs, aux);
}

/** Whether the kernel did the work. @throws IndexError for an index that it found out of range */
function runKernel(
  op: string,
  kernel: FusedKernel,
  outs: readonly Tensor[],
  inputs: readonly Tensor[],
  attrs: unknown,
): boolean {
  const status =
    kernel.strided || allContiguous(inputs)
      ? kernel(outs, inputs, attrs)
      : withPacked(inputs, (ready) => kernel(outs, ready, attrs));
  if (typeof status === "number") throw badIndex(op, status);
  return status !== false;
}

/** Whether any of them has no element: no kernel sees those. */
export function anyEmpty(tensors: readonly Meta[]): boolean {
  for (const { shape } of tensors) for (let i = 0; i < shape.length; i++) if (shape[i] === 0) return true;
  return false;
}

function composed<A>(op: OpRecord<A>, inputs: readonly Tensor[], attrs: A, aux: boolean): Tensor[] {
  return scope(() => [...op.compose!(inputs, attrs, aux)], op.name);
}

/** Creation ops have no input; their attributes may name the device. */
function deviceOf(attrs: unknown): Device {
  return (attrs as { device?: Device } | null)?.device ?? defaultDevice();
}

/** The error for an index that a kernel found out of range. */
export function badIndex(op: string, position: number): IndexError {
  return new IndexError({
    op,
    argument: "indices",
    expected: "indices within the indexed axis",
    received: `an index out of range at position ${position}`,
    remedy: "Indices count from 0 to the axis' length − 1.",
  });
}
