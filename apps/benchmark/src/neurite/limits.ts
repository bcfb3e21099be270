/** What the machine can do at best: bounds for kernels, measured by loops that do nothing else. */
import { Engine, hasRelaxedSimd } from "@neurite/backend-wasm";

export interface Limits {
  /** 2 × the rate of f32x4.mul: products and sums, if both could run at once. */
  readonly simdPeakGflops: number;
  /** Rate of relaxed_madd, two operations each; null where the engine has none. */
  readonly fmaPeakGflops: number | null;
  /** Bytes read and written by a copy of 32 MiB, ÷ time. */
  readonly copyGBs: number;
}

/** Enough independent chains to hide a latency of four cycles on two units; with two constants they fit 16 registers. */
const CHAINS = 12;
const STEPS = 4;
const ROUNDS = 1_000_000;
const ATTEMPTS = 12;

const F32X4_SPLAT = [0xfd, 0x13];
const F32X4_MUL = [0xfd, 0xe6, 0x01];
const F32X4_ADD = [0xfd, 0xe4, 0x01];
const F32X4_RELAXED_MADD = [0xfd, 0x85, 0x02];
const V128_STORE_AT_ALIGN_4 = [0xfd, 0x0b, 2, 0];

type Code = { readonly type: "v128"; readonly bytes: readonly number[] };

/** Operations on vectors of four a second, in thousand millions, of one instruction on registers. */
function rate(instruction: "mul" | "madd"): number {
  const engine = new Engine({ relaxed: instruction === "madd", wide: false, shared: false });
  const out = engine.heap.allocate(16);
  const loop = engine.kernel(instruction, (module) => {
    // the factor comes from outside, so that the compiler cannot use that it is 1
    module.define("run", { begin: "i32", end: "i32", factor: "f32", out: "i32" }, (f, { end, factor, out }) => {
      const v128 = (...parts: readonly (readonly number[])[]): Code => ({ type: "v128", bytes: parts.flat() });
      const one = f.keep(v128(factor.bytes, F32X4_SPLAT));
      const chains = Array.from({ length: CHAINS }, () => f.keep(one));
      f.times(end, () => {
        for (let step = 0; step < STEPS; step++) {
          for (const x of chains) {
            const next =
              instruction === "mul"
                ? v128(x.bytes, one.bytes, F32X4_MUL)
                : v128(x.bytes, one.bytes, one.bytes, F32X4_RELAXED_MADD);
            f.set(x, next);
          }
        }
      });
      const sum = chains.reduce<Code>((a, b) => v128(a.bytes, b.bytes, F32X4_ADD), one);
      f.do({ type: "void", bytes: [...out.bytes, ...sum.bytes, ...V128_STORE_AT_ALIGN_4] });
    });
  });
  const seconds = fastest(() => loop(0, ROUNDS, 1, out));
  return (ROUNDS * STEPS * CHAINS) / seconds / 1e9;
}

/** Seconds of the fastest of several calls. */
function fastest(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ATTEMPTS; i++) {
    const started = performance.now();
    run();
    best = Math.min(best, performance.now() - started);
  }
  return best / 1000;
}

export function measureLimits(): Limits {
  const source = new Float32Array(2 ** 23).fill(1);
  const target = new Float32Array(2 ** 23);
  return {
    simdPeakGflops: 2 * 4 * rate("mul"),
    fmaPeakGflops: hasRelaxedSimd() ? 2 * 4 * rate("madd") : null,
    copyGBs: (2 * source.byteLength) / fastest(() => target.set(source)) / 1e9,
  };
}
