/** The errors that the vector functions' comments state, in units in the last place of float32. */
import { erf, exp, expm1, fromHost, log, log1p, tanh, type UnaryOp } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { hasRelaxedSimd, wasm } from "../src/index.js";

/** Distance between neighbouring float32 at |x|. */
function spacing(x: number): number {
  const size = Math.max(Math.abs(x), 2 ** -126);
  return 2 ** (Math.floor(Math.log2(size)) - 23);
}

/** erf by its series, in float64: exact enough for |x| ≤ 4. */
function erfReference(x: number): number {
  let term = x;
  let total = x;
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

const FUNCTIONS: [UnaryOp, (x: number) => number, number, number, number][] = [
  [exp, Math.exp, -87, 88.5, 2],
  [expm1, Math.expm1, -20, 80, 4],
  [log, Math.log, 1e-30, 100, 2],
  [log, Math.log, 0.5, 2, 2],
  [log1p, Math.log1p, -0.99, 10, 3],
  [log1p, Math.log1p, -1e-3, 1e-3, 3],
  [tanh, Math.tanh, -9, 9, 5],
  [tanh, Math.tanh, -0.01, 0.01, 5],
  [erf, erfReference, -3.5, 3.5, 4],
];

for (const relaxed of hasRelaxedSimd() ? [false, true] : [false]) {
  describe(relaxed ? "with fused multiply-add" : "with separate multiply and add", () => {
    const device = wasm({ relaxed });
    for (const [op, reference, low, high, limit] of FUNCTIONS) {
      it(`${op.row.name} is within ${limit} ULP on [${low}, ${high}]`, () => {
        const n = 50_001;
        const xs = Float32Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
        const ys = op(fromHost(xs, "float32", [n], device)).dataSync();
        let worst = 0;
        let where = 0;
        ys.forEach((y, i) => {
          const wanted = reference(xs[i]!);
          const error = Math.abs(y - wanted) / spacing(wanted);
          if (!(error <= worst)) [worst, where] = [error, xs[i]!];
        });
        expect(worst, `at ${where}`).toBeLessThanOrEqual(limit);
      });
    }
  });
}
