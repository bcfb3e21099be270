/** The errors that the vector functions' comments state, in units in the last place of float32. */
import { erf, exp, expm1, fromHost, log, log1p, tanh, type UnaryOp } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { v128 } from "../src/emitter/code.js";
import { Engine, hasRelaxedSimd, wasm } from "../src/index.js";
import { VectorMath } from "../src/vector-math.js";

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

function expectClose(xs: Float32Array, ys: ArrayLike<number>, reference: (x: number) => number, limit: number): void {
  let worst = 0;
  let where = 0;
  xs.forEach((x, i) => {
    const wanted = reference(x);
    const error = Math.abs(ys[i]! - wanted) / spacing(wanted);
    if (!(error <= worst)) [worst, where] = [error, x];
  });
  expect(worst, `at ${where}`).toBeLessThanOrEqual(limit);
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

/** Forms that only kernels use, applied to the memory's numbers. */
function applied(relaxed: boolean, name: "expNonPositive" | "sigmoid", xs: Float32Array): Float32Array {
  const engine = new Engine({ relaxed, wide: false, shared: false });
  const kernel = engine.kernel(name, (module, features) => {
    module.define("run", { begin: "i32", end: "i32", at: "i32" }, (f, p) => {
      const math = new VectorMath(f, features);
      const address = f.keep(p.at);
      f.times(p.end, () => {
        f.do(v128.store(address, math[name](v128.load(address))));
        f.increase(address, 16);
      });
    });
  });
  const at = engine.heap.allocate(4 * xs.length);
  new Float32Array(engine.heap.memory.buffer, at, xs.length).set(xs);
  kernel(0, xs.length / 4, at);
  return new Float32Array(engine.heap.memory.buffer, at, xs.length).slice();
}

const KERNEL_FUNCTIONS: ["expNonPositive" | "sigmoid", (x: number) => number, number, number, number][] = [
  ["expNonPositive", Math.exp, -20, 0, 3],
  ["expNonPositive", Math.exp, -87, 0, 5.5],
  ["sigmoid", (x) => 1 / (1 + Math.exp(-x)), -86, 86, 3],
];

for (const relaxed of hasRelaxedSimd() ? [false, true] : [false]) {
  describe(relaxed ? "with fused multiply-add" : "with separate multiply and add", () => {
    const device = wasm({ relaxed });
    for (const [op, reference, low, high, limit] of FUNCTIONS) {
      it(`${op.row.name} is within ${limit} ULP on [${low}, ${high}]`, () => {
        const n = 50_001;
        const xs = Float32Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
        expectClose(xs, op(fromHost(xs, "float32", [n], device)).dataSync(), reference, limit);
      });
    }
    for (const [name, reference, low, high, limit] of KERNEL_FUNCTIONS) {
      it(`${name} is within ${limit} ULP on [${low}, ${high}]`, () => {
        const n = 50_000;
        const xs = Float32Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
        expectClose(xs, applied(relaxed, name, xs), reference, limit);
      });
    }
    it("gives 0, NaN and the ends of a sigmoid where the argument is out of range", () => {
      const ends = Float32Array.of(-88, Number.NEGATIVE_INFINITY, Number.NaN, 0);
      expect([...applied(relaxed, "expNonPositive", ends)]).toEqual([0, 0, Number.NaN, 1]);
      const [low, high, none] = applied(
        relaxed,
        "sigmoid",
        Float32Array.of(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN, 0),
      );
      expect(low).toBeLessThan(2e-38);
      expect(high).toBe(1);
      expect(none).toBeNaN();
    });
  });
}
