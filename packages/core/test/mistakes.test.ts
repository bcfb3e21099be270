/** Things that are no tensors, dtypes or devices where such are expected. */
import { cpuJs } from "@neurite/backend-cpu-js";
import * as core from "@neurite/core";
import { add, type Device, setDefaultDevice, softmax, type Tensor, tensor } from "@neurite/core";
import { beforeAll, describe, expect, it } from "vitest";

beforeAll(() => setDefaultDevice(cpuJs()));

describe("a mistake of type", () => {
  const x = () => tensor([1, 2]);
  const cases: [string, () => unknown, RegExp][] = [
    ["an array for a tensor", () => add(x(), [1, 2] as never), /add: input 1 expects a tensor, but received an array/],
    ["a string for a tensor", () => add("1" as never, x()), /add: input 0 expects a tensor, but received "1"/],
    [
      "nothing for a tensor",
      () => add(x(), undefined as never),
      /add: input 1 expects a tensor, but received undefined/,
    ],
    ["a string as data", () => tensor(["a"] as never), /tensor: data expects numbers.*but received "a"/],
    ["null as data", () => tensor(null as never), /tensor: data expects numbers.*but received null/],
    ["an unknown dtype", () => tensor([1], { dtype: "float16" as never }), /dtype expects one of float32.*float16/],
    ["a name for a device", () => setDefaultDevice("gpu" as never), /setDefaultDevice: device expects a device.*gpu/],
  ];
  for (const [name, call, message] of cases) {
    it(`is explained: ${name}`, () => {
      expect(call).toThrow(message);
    });
  }

  const takesTensors: Readonly<Record<string, readonly unknown[]>> = {
    linear: [[[1, 1]]],
    reshape: [[2, 1]],
    squeeze: [],
    unsqueeze: [0],
    permute: [[0]],
    transpose: [],
    expand: [[2, 2]],
    slice: [[[0, 1]]],
    flip: [0],
    windows: [0, { size: 2 }],
    crossEntropy: [[0]],
    pad: [[[1, 1]]],
    layerNorm: [],
    rmsNorm: [],
    batchNorm: [],
    groupNorm: [1],
    attention: [[1], [1]],
    maskedSoftmax: [[true]],
    gather: [[0]],
    sum: [],
    mean: [],
    argMax: [],
    matmul: [[1]],
    split: [2],
    unstack: [],
    softmax: [],
    logSoftmax: [],
    dropout: [0.5],
    conv1d: [[1]],
    maxPool2d: [2],
    avgPool1d: [2],
    relu: [],
  };
  const functions = new Map<string, unknown>(Object.entries(core));
  for (const [name, others] of Object.entries(takesTensors)) {
    it(`is explained: ${name} of an array`, () => {
      const op = functions.get(name) as (...args: unknown[]) => unknown;
      expect(() => op([1, 2], ...others)).toThrow(/: \S+( 0)? expects a tensor, but received an array.*tensor\(\)/);
    });
  }

  it("of device is explained when both have one name", () => {
    const other: Device = cpuJs();
    const mixed = (): Tensor => add(tensor([1]), tensor([1], { device: other }));
    expect(mixed).toThrow(/but received one on another device of that name.*\.to\(device\)/);
    expect(softmax(tensor([1], { device: other })).device).toBe(other);
  });
});
