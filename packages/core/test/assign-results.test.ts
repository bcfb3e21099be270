/** Results that become the next values of parameters: written over them where that is safe, else in new storages. */
import {
  add,
  assignResults,
  defineOp,
  type FusedKernel,
  mul,
  Parameter,
  registerKernel,
  reshape,
  scope,
  sub,
  type Tensor,
  tensor,
  withInterceptor,
} from "@neurite/core";
import { expect, it } from "vitest";
import { freshDevice, thrown } from "./device.js";

const device = freshDevice();

/** w ← w − rate·g and s ← s + g. */
function descent(name: string) {
  return defineOp<{ readonly rate: number }>({
    name,
    infer: ([w, , s]) => [w!, s!],
    compose: ([w, g, s], { rate }) => [sub(w!, mul(g!, rate)), add(s!, g!)],
  });
}

/** The kernel of {@link descent} for cpu-js, whose ids are the typed arrays. */
function kernelOf(calls: (readonly unknown[])[]): FusedKernel {
  const kernel: FusedKernel = (outs, inputs, { rate }) => {
    const [nextW, nextS] = outs.map(({ id }) => id as Float32Array);
    const [w, g, s] = inputs.map(({ id }) => id as Float32Array);
    calls.push([nextW === w, nextS === s]);
    for (let i = 0; i < w!.length; i++) {
      [nextW![i], nextS![i]] = [w![i]! - rate * g![i]!, s![i]! + g![i]!];
    }
    return undefined;
  };
  return Object.assign(kernel, { inPlace: true });
}

const values = (...tensors: readonly Tensor[]) => tensors.map((one) => Array.from(one.dataSync()));
const start = () => [new Parameter(tensor([1, 2])), new Parameter(tensor([0, 0])), tensor([10, 20])] as const;

it("writes over parameters that nobody else holds", () => {
  const calls: (readonly unknown[])[] = [];
  const op = descent("inPlaceDescent");
  registerKernel(op, "cpu-js", kernelOf(calls));
  const [w, s, g] = start();
  const [storage, key] = [w.storage, w.key];
  const held = device().memory();
  assignResults(op, [w, s], [w, g, s], { rate: 0.1 });
  expect(values(w, s)).toEqual([
    [0, 0],
    [10, 20],
  ]);
  expect(w.storage).toBe(storage);
  // autograd must not take the new value for the old one
  expect(w.key).not.toBe(key);
  expect(calls).toEqual([[true, true]]);
  expect(device().memory()).toEqual(held);
});

it.each<[string, (w: Parameter) => Tensor]>([
  ["an alias", (w) => w.alias()],
  ["a view", (w) => reshape(w, [2, 1])],
])("leaves the old value to %s of it", (_, hold) => {
  const calls: (readonly unknown[])[] = [];
  const op = descent("heldDescent");
  registerKernel(op, "cpu-js", kernelOf(calls));
  const [w, s, g] = start();
  const old = hold(w);
  assignResults(op, [w, s], [w, g, s], { rate: 0.1 });
  expect(values(w, s, old)).toEqual([
    [0, 0],
    [10, 20],
    [1, 2],
  ]);
  expect(calls).toEqual([[false, false]]);
  // the new storage is the parameter's alone
  assignResults(op, [w, s], [w, g, s], { rate: 0.1 });
  expect(calls[1]).toEqual([true, true]);
});

it("leaves a value to a read that is under way", async () => {
  const op = descent("readDescent");
  registerKernel(op, "cpu-js", kernelOf([]));
  const [w, s, g] = start();
  const before = w.data();
  assignResults(op, [w, s], [w, g, s], { rate: 0.1 });
  expect(Array.from(await before)).toEqual([1, 2]);
});

it("shows interceptors the op and its results", () => {
  const seen: string[] = [];
  const op = descent("seenDescent");
  registerKernel(op, "cpu-js", kernelOf([]));
  const [w, s, g] = start();
  const spy = {
    intercept: (
      ...[record, inputs, attrs, aux, next]: Parameters<Parameters<typeof withInterceptor>[0]["intercept"]>
    ) => {
      const results = next(record, inputs, attrs, aux);
      seen.push(`${record.name} ${values(...results)}`);
      return results;
    },
  };
  withInterceptor(spy, () => assignResults(op, [w, s], [w, g, s], { rate: 0.1 }));
  expect(seen).toEqual(["seenDescent 0,0,10,20"]);
});

it("runs as a composition where there is no such kernel, and frees what lies between", () => {
  const op = descent("plainDescent");
  const [w, s, g] = start();
  const held = device().memory();
  scope(() => assignResults(op, [w, s], [w, g, s], { rate: 0.1 }) as never);
  assignResults(op, [w, s], [w, g, s], { rate: 0.1 });
  expect(values(w, s)).toEqual([
    [-1, -2],
    [20, 40],
  ]);
  expect(device().memory()).toEqual(held);
});

it("refuses tensors that were freed, and changes nothing then", () => {
  const op = descent("freedDescent");
  registerKernel(op, "cpu-js", kernelOf([]));
  const [w, s, g] = start();
  g.dispose();
  expect(thrown(() => assignResults(op, [w, s], [w, g, s], { rate: 0.1 })).code).toBe("ERR_DISPOSED");
  expect(values(w, s)).toEqual([
    [1, 2],
    [0, 0],
  ]);
});
