/** Whether two outcomes of one call are the same, as far as float32 can tell. */
import type { Accuracy, Call, Outcome, Values } from "./call.js";

/** What differs, in words; null when nothing does. */
export function difference(call: Call, actual: Outcome, expected: Outcome): string | null {
  if ("refused" in expected || "refused" in actual) {
    const [is, wanted] = [actual, expected].map((one) =>
      "refused" in one ? `refused with ${one.refused}` : "accepted",
    );
    return is === wanted ? null : `it is ${is}, not ${wanted}`;
  }
  return (
    firstOf(actual.results, expected.results, (is, wanted, i) => compare(`result ${i}`, is, wanted, call.accuracy)) ??
    (call.gradient
      ? firstOf(actual.gradients, expected.gradients, (is, wanted, i) =>
          compare(`gradient ${i}`, is, wanted, call.gradient!),
        )
      : null)
  );
}

function firstOf(
  actual: readonly Values[],
  expected: readonly Values[],
  compareOne: (actual: Values, expected: Values, i: number) => string | null,
): string | null {
  if (actual.length !== expected.length) return `there are ${actual.length} results, not ${expected.length}`;
  for (const [i, wanted] of expected.entries()) {
    const found = compareOne(actual[i]!, wanted, i);
    if (found) return found;
  }
  return null;
}

function compare(what: string, actual: Values, expected: Values, accuracy: Accuracy): string | null {
  if (actual.shape.join() !== expected.shape.join()) return `${what} is [${actual.shape}], not [${expected.shape}]`;
  const dtype = expected.dtype === "float64" ? "float32" : expected.dtype;
  if (actual.dtype !== dtype) return `${what} is ${actual.dtype}, not ${dtype}`;
  let scale = 1;
  for (const x of expected.data) if (Number.isFinite(x)) scale = Math.max(scale, Math.abs(x));
  for (let i = 0; i < expected.data.length; i++) {
    const [is, wanted] = [actual.data[i]!, expected.data[i]!];
    if (agree(is, wanted, dtype === "float32" ? accuracy : { kind: "exact" }, scale)) continue;
    return `${what} is ${show(is)} at element ${i}, not ${show(wanted)} (${accuracy.kind}${"limit" in accuracy ? ` ${accuracy.limit}` : ""})`;
  }
  return null;
}

const show = (x: number): string => (Object.is(x, -0) ? "-0" : String(x));

/** Largest float32. */
const MOST = 3.4028234663852886e38;
const SMALLEST_NORMAL = 2 ** -126;

function agree(is: number, wanted: number, accuracy: Accuracy, scale: number): boolean {
  const rounded = Math.fround(wanted);
  if (Number.isNaN(wanted)) return Number.isNaN(is);
  if (is === wanted || is === rounded) return true;
  if (accuracy.kind === "exact" || !Number.isFinite(wanted) || Number.isNaN(is)) return false;
  // at the end of the range a rounding decides between the largest number and ∞
  const reach = (x: number) => Math.min(Math.max(x, -MOST), MOST);
  const error = Math.abs(reach(is) - reach(wanted));
  // numbers below the normal ones may go to 0
  if (error < SMALLEST_NORMAL) return true;
  if (accuracy.kind === "ulps") return error <= accuracy.limit * ulpOf(reach(wanted));
  return (
    error <= accuracy.limit * (accuracy.kind === "near" ? Math.max(1, Math.abs(reach(wanted))) : Math.min(scale, MOST))
  );
}

/** Distance of float32 numbers near x. */
function ulpOf(x: number): number {
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), -126);
  return 2 ** (exponent - 23);
}
