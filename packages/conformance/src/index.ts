export { some, tensorOf, valuesOf } from "./call.js";
export * from "./case.js";
export { CASES } from "./cases/index.js";
export type { Check } from "./checks.js";
export { expectEqual, expectThat, Mismatch } from "./compare.js";
export { type DescribeOptions, describeBackend, type TestFramework } from "./describe.js";
export { type ElementwiseOptions, elementwiseCase, SPECIAL } from "./elementwise-case.js";
export type { TensorFunction, Wrap } from "./evaluate.js";
export { betweenGuards } from "./guards.js";
export { bits, distinct, given, type InputSpec, integers, numbers, type Range } from "./inputs.js";
export { LAYOUTS, type Layout, place, toHost } from "./layouts.js";
export * from "./plain.js";
export {
  type CheckResult,
  type ExpectedFailure,
  listChecks,
  type Options,
  type Report,
  runBackend,
  runCase,
  type Status,
} from "./runner.js";
