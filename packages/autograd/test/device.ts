/** A fresh device for each test. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, manualSeed, setDefaultDevice, type Tensor, tensor } from "@neurite/core";
import { beforeEach } from "vitest";

/** Sets a new default device, and the default stream of random numbers, before each test. */
export function freshDevice(): () => Device {
  let device: Device;
  beforeEach(() => {
    device = cpuJs();
    setDefaultDevice(device);
    manualSeed(0);
  });
  return () => device;
}

/** The error that `fn` throws. */
export function thrown(fn: () => unknown): Error & { code?: string } {
  try {
    fn();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}

/** A float64 tensor. */
export function double(values: number[] | number[][]): Tensor {
  return tensor(values, { dtype: "float64" });
}

export function list(x: Tensor): number[] {
  return Array.from(x.dataSync());
}
