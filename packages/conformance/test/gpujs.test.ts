import { gpujs } from "@neurite/backend-gpujs";
import { describeBackend, type ExpectedFailure } from "@neurite/conformance";
import { afterAll, describe, it } from "vitest";

/** Every number of gpu.js is a float32 (facts: gpu.js has no integer tensors). */
const reason = "int32 is exact up to ±2^24 only; larger numbers are refused where the host knows them";

const expectedFailures: readonly ExpectedFailure[] = [
  { checks: /of integers at the ends of int32/, reason },
  { checks: /^sum of integers beyond int32/, reason },
  { checks: /^prod of integers beyond int32, which wraps (gives the|shows)/, reason },
  { checks: /^randomIntegers of a range that 2³² is no multiple of/, reason },
];

for (const mode of ["cpu", "webasm"] as const) {
  describeBackend(`gpujs in ${mode} mode`, () => gpujs({ mode }), {
    describe,
    it,
    afterAll,
    expectedFailures,
    // it has no float64, and says so
    dtypes: ["float32", "int32", "uint8", "bool"],
  });
}
