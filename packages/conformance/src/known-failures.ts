/** What the backends of this repository are known not to do: for the program and this package's own tests. */
import type { ExpectedFailure } from "./runner.js";

/** Every number of gpu.js is a float32. */
const reason = "int32 is exact up to ±2^24 only; larger numbers are refused where the host knows them";

/** By the backend's name. */
export const KNOWN_FAILURES: Readonly<Record<string, readonly ExpectedFailure[]>> = {
  gpujs: [
    { checks: /of integers at the ends of int32 .*\[int32\]/, reason },
    { checks: /^sum of integers beyond int32.*\[int32\]/, reason },
    { checks: /^prod of integers beyond int32, which wraps (gives the|shows)/, reason },
    { checks: /^randomIntegers of a range that 2³² is no multiple of.*\[int32\]/, reason },
  ],
};
