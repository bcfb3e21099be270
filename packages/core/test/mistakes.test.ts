/** Things that are no tensors, dtypes or devices where such are expected. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { add, type Device, setDefaultDevice, softmax, type Tensor, tensor } from "@neurite/core";
import { beforeAll, describe, expect, it } from "vitest";

beforeAll(() => setDefaultDevice(cpuJs()));

describe("a mistake of type", () => {
  const x = () => tensor([1, 2]);
  const cases: [string, () => unknown, RegExp][] = [
    ["an array for a tensor", () => add(x(), [1, 2] as never), /add: input 1 expects a tensor, but received Array/],
    ["a string for a tensor", () => add("1" as never, x()), /add: input 0 expects a tensor, but received 1/],
    [
      "nothing for a tensor",
      () => add(x(), undefined as never),
      /add: input 1 expects a tensor, but received undefined/,
    ],
    ["a string as data", () => tensor(["a"] as never), /tensor: data expects numbers.*but received string/],
    ["null as data", () => tensor(null as never), /tensor: data expects numbers.*but received null/],
    ["an unknown dtype", () => tensor([1], { dtype: "float16" as never }), /dtype expects one of float32.*float16/],
    ["a name for a device", () => setDefaultDevice("gpu" as never), /setDefaultDevice: device expects a device.*gpu/],
  ];
  for (const [name, call, message] of cases) {
    it(`is explained: ${name}`, () => {
      expect(call).toThrow(message);
    });
  }

  it("of device is explained when both have one name", () => {
    const other: Device = cpuJs();
    const mixed = (): Tensor => add(tensor([1]), tensor([1], { device: other }));
    expect(mixed).toThrow(/but received one on another device of that name.*\.to\(device\)/);
    expect(softmax(tensor([1], { device: other })).device).toBe(other);
  });
});
