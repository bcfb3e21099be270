import { gpujs } from "@neurite/backend-gpujs";
import { describeBackend } from "@neurite/conformance";
import { afterAll, describe, it } from "vitest";
import { KNOWN_FAILURES } from "../src/known-failures.js";

for (const mode of ["cpu", "webasm"] as const) {
  describeBackend(`gpujs in ${mode} mode`, () => gpujs({ mode }), {
    describe,
    it,
    afterAll,
    expectedFailures: KNOWN_FAILURES.gpujs,
    // it has no float64, and says so
    dtypes: ["float32", "int32", "uint8", "bool"],
  });
}
