/** A fresh device for each test, which must be empty again at its end. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { type Device, setDefaultDevice } from "@neurite/core";
import { beforeEach } from "vitest";

/** Sets a new default device before each test; the function returned gives it. */
export function freshDevice(): () => Device {
  let device: Device;
  beforeEach(() => {
    device = cpuJs();
    setDefaultDevice(device);
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
