/** What is given or returned by mistake where tensors are differentiated. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { ones, setDefaultDevice, type Tensor, zeros } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { checkGradients, customOp, jacobian, jvp, stopGradient, valueAndGrad, vjp } from "../src/index.js";

setDefaultDevice(cpuJs());

/** A value that its type would not allow. */
const wrong = (value: unknown) => value as never;
const x = () => ones([2], { dtype: "float64" });
const same = (y: Tensor) => y;
const three = wrong(() => 3);

describe("a mistake", () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      "a loss without return",
      () =>
        valueAndGrad(
          wrong(() => {}),
          x(),
        )(),
      /value expects a tensor with one element.*undefined/,
    ],
    [
      "a loss of null",
      () =>
        valueAndGrad(
          wrong(() => null),
          x(),
        )(),
      /value expects a tensor with one element/,
    ],
    ["no error for vjp", () => vjp(same, x(), wrong(undefined)), /vjp: e expects a tensor, but received undefined/],
    ["a number from a function", () => vjp(three, x(), x()), /vjp: the function's value expects a tensor.*number/],
    ["a number for a point", () => jacobian(same, three), /jacobian: x expects a tensor, but received a function/],
    ["a number from a function", () => jacobian(three, x()), /jacobian: the function's value expects a tensor/],
    ["no direction", () => jvp(same, x(), wrong(null)), /jvp: v expects a tensor, but received null/],
    ["a number to stop at", () => stopGradient(wrong(3)), /stopGradient: x expects a tensor, but received 3/],
    ["an op without gradient", () => customOp(wrong({ name: "f", forward: same })), /customOp: vjp expects a function/],
    ["the third order", () => checkGradients(same, [x()], { order: wrong(3) }), /order expects 1 or 2.*received 3/],
    [
      "a step of nothing",
      () => checkGradients(same, [x()], { step: 0 }),
      /step expects a finite number above 0, but received 0/,
    ],
  ])("is explained: %s", (_, call, message) => {
    expect(call).toThrow(message);
  });

  it("leaves no storage behind", () => {
    const device = cpuJs();
    const w = zeros([2], { device });
    const before = device.memory().storages;
    expect(() =>
      valueAndGrad(
        wrong(() => void ones([3], { device })),
        w,
      )(),
    ).toThrow(/one element/);
    expect(() =>
      jacobian(
        wrong(() => [ones([3], { device })]),
        w,
      ),
    ).toThrow(/a tensor/);
    expect(device.memory().storages).toBe(before);
  });
});
