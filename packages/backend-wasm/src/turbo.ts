/**
 * V8 can join pairs of neighbouring 128-bit operations into 256-bit ones (`--experimental-wasm-revectorize`). The flag is
 * an experiment of V8's and holds for the whole process, so it is opt-in, and nothing relies on it unchecked.
 */
import { type Device, fromHost, layerNorm, matmul, scope, softmax, sum, tanh } from "@neurite/core";
import { v8Version } from "./features.js";

const FLAG = "experimental-wasm-revectorize";
/** Older versions lack the flag, or what joins vectors across loops. */
const FIRST_V8 = 13;
/** Calls after which V8 has replaced its first, plain code by optimised code. */
const WARM_UP = 40;

interface Process {
  getBuiltinModule?(name: "node:v8"): { setFlagsFromString(flag: string): void } | undefined;
}

let refusal: string | null | undefined;

/**
 * Switches wide vectors on, once in a process, after making sure that results stay the same and become faster.
 * @param make a device whose kernels are written for wide vectors or not; it is not closed
 * @returns why they stay off, or null
 */
export function refuseTurbo(make: (wide: boolean) => Device): string | null {
  refusal ??= attempt(make) ?? null;
  return refusal;
}

function attempt(make: (wide: boolean) => Device): string | null {
  const { process } = globalThis as { process?: Process };
  const v8 = process?.getBuiltinModule?.("node:v8");
  if (!v8 || (v8Version() ?? 0) < FIRST_V8) return "it needs Node 24 or newer";
  const narrow = make(false);
  const expected = probe(narrow);
  const before = fastest(narrow);
  v8.setFlagsFromString(`--${FLAG}`);
  const wide = make(true);
  const after = fastest(wide);
  const actual = probe(wide);
  const reason = !expected.every((result, i) => sameBits(result, actual[i]!))
    ? "its results differ on this machine"
    : after > before
      ? "it makes this machine slower"
      : null;
  if (reason !== null) v8.setFlagsFromString(`--no-${FLAG}`);
  return reason;
}

/** Results of a sample of kernels, edges of tiles included; wide vectors change no rounding. */
function probe(device: Device): Float32Array[] {
  return scope(() => {
    const a = wave(70, 300, device);
    const b = wave(300, 90, device);
    let results: Float32Array[] = [];
    for (let i = 0; i < WARM_UP; i++) {
      results = scope(() => {
        const c = matmul(a, b);
        return [c, tanh(c), softmax(c), layerNorm(c), sum(c, { axis: 0 })].map((x) => x.dataSync() as Float32Array);
      });
    }
    return results;
  });
}

/** Milliseconds of a product of 256 × 256 matrices at its best. */
function fastest(device: Device): number {
  return scope(() => {
    const a = wave(256, 256, device);
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < WARM_UP; i++) {
      const started = performance.now();
      scope(() => void matmul(a, a));
      best = Math.min(best, performance.now() - started);
    }
    return best;
  });
}

function wave(rows: number, columns: number, device: Device) {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i));
  return fromHost(data, "float32", [rows, columns], device);
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, i) => Object.is(value, b[i]));
}
