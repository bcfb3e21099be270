// Core's side of the contract: what every op of every case asks of a backend is what `backend.ts` in core promises.
import { runBackend } from "@neurite/conformance";
import type { RequiredKernels, TypedArray, View } from "@neurite/core";
import { expect, it } from "vitest";
import { broken } from "./broken.js";

const STRIDED: readonly (keyof RequiredKernels)[] = ["copy", "map", "matmul"];

const size = ({ shape }: View): number => shape.reduce((a, b) => a * b, 1);

function isContiguous({ shape, strides }: View): boolean {
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== stride) return false;
    stride *= shape[axis];
  }
  return true;
}

/** Whether every element of the view lies inside its storage. */
function isInside({ id, shape, strides, offset }: View): boolean {
  const reach = strides.map((stride, axis) => stride * (shape[axis] - 1));
  const low = offset + reach.reduce((sum, r) => sum + Math.min(r, 0), 0);
  const high = offset + reach.reduce((sum, r) => sum + Math.max(r, 0), 0);
  return low >= 0 && high < (id as TypedArray).length;
}

function complaint(name: keyof RequiredKernels, outs: readonly View[], inputs: readonly View[]): string | null {
  const all = [...outs, ...inputs];
  if (all.some((view) => size(view) === 0)) return "an empty view";
  if (all.some((view) => !isInside(view))) return "a view that reaches outside its storage";
  if (!outs.every(isContiguous)) return "an output with gaps";
  if (!STRIDED.includes(name) && !inputs.every(isContiguous)) return "a strided input";
  if (inputs.some((input) => outs.some((out) => out.id === input.id))) return "an output that is an input";
  const [first] = name === "matmul" ? [] : outs;
  const same = name === "map" || name === "copy";
  if (same && inputs.some((input) => input.shape.join() !== first!.shape.join())) return "inputs of other shapes";
  if (same && first!.shape.length === 0) return "a view without axes";
  return null;
}

it("core never passes an empty, misplaced or needlessly strided view, nor an output that is an input", async () => {
  const complaints = new Set<string>();
  let calls = 0;
  const device = broken(({ kernels }) => {
    const guarded = Object.entries(kernels).map(([key, kernel]) => {
      const name = key as keyof RequiredKernels;
      const run = kernel as (outs: readonly View[], inputs: readonly View[], attrs: unknown) => undefined;
      return [
        name,
        (outs: readonly View[], inputs: readonly View[], attrs: unknown) => {
          calls++;
          const found = complaint(name, outs, inputs);
          if (found) complaints.add(`${name} got ${found}`);
          return run(outs, inputs, attrs);
        },
      ];
    });
    return { kernels: Object.fromEntries(guarded) as RequiredKernels };
  });
  const report = await runBackend(device, { dtypes: ["float32", "int32"] });
  expect(report.passed).toBeGreaterThan(5000);
  expect([...complaints]).toEqual([]);
  expect(calls).toBeGreaterThan(10_000);
}, 180_000);
