/** LSTM and GRU over whole sequences, in sizes that reach every kind of product: tiny, in whole panels, with an edge. */
import { valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import { add, type Device, fromHost, gru, lstm, mul, notEqual, sum, type Tensor } from "@neurite/core";
import { expect, it } from "vitest";
import { wasm } from "../src/index.js";

const wave = (length: number, at: number) => Float32Array.from({ length }, (_, i) => Math.sin(2.7 * i + at));

/** Values and gradients of an op by all of its inputs. */
function run(device: Device, kind: string, [time, n, hidden]: readonly number[], masked: boolean, reverse: boolean) {
  const dtype = device.backend.name === "wasm" ? "float32" : "float64";
  let seed = 0;
  const make = (shape: readonly number[], scale = 1) => {
    const data = wave(
      shape.reduce((a, b) => a * b),
      seed++,
    ).map((x) => scale * x);
    return fromHost(dtype === "float32" ? data : Float64Array.from(data), dtype, shape, device);
  };
  const gates = kind === "lstm" ? 4 : 3;
  const inputs = {
    shares: make([time!, n!, gates * hidden!]),
    weight: make([gates * hidden!, hidden!], 1 / hidden!),
    h: make([n!, hidden!]),
    more: make(kind === "lstm" ? [n!, hidden!] : [gates * hidden!]),
  };
  const bits = Int32Array.from({ length: time! * n! }, (_, i) => Number((i * i) % 5 !== 4));
  const mask = masked ? notEqual(fromHost(bits, "int32", [time!, n!], device), 0) : undefined;
  const results: Tensor[] = [];
  const step = valueAndGrad(({ shares, weight, h, more }: typeof inputs) => {
    const all: Record<string, Tensor> =
      kind === "lstm"
        ? lstm(shares, weight, { h, c: more }, { reverse, mask })
        : gru(shares, weight, h, { bias: more, reverse, mask });
    seed = 9;
    return Object.values(all)
      .map((y) => {
        results.push(y.alias());
        return sum(mul(y, make(y.shape)));
      })
      .reduce((a, b) => add(a, b));
  }, inputs);
  const { grads } = step(inputs);
  return [...results, ...Object.values(grads)].map((tensor) => Array.from(tensor.dataSync()));
}

const sizes = [
  [5, 2, 3],
  [3, 1, 40],
  [4, 5, 16],
  [3, 7, 33],
  [2, 30, 40],
] as const;
const forms = ["lstm", "gru"].flatMap((kind) =>
  [false, true].flatMap((masked) => [false, true].map((reverse) => ({ kind, masked, reverse }))),
);

it.each(forms)("is what cpu-js says, with its gradients: $kind, masked $masked, reverse $reverse", (form) => {
  const { kind, masked, reverse } = form;
  for (const size of sizes) {
    const [actual, expected] = [wasm(), cpuJs()].map((device) => run(device, kind, size, masked, reverse));
    expected!.forEach((wanted, i) => {
      const scale = Math.max(1, ...wanted.map(Math.abs));
      const error = Math.max(...wanted.map((value, k) => Math.abs(value - actual![i]![k]!))) / scale;
      expect(error, `result ${i} of [${size.join(", ")}]`).toBeLessThan(2e-6);
    });
  }
});
