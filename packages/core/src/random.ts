/**
 * Counter-based random numbers: Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011). The n-th number depends on the seed and n alone, so a stream can be saved as two numbers, replayed,
 * and is the same on every backend.
 */

import { hostArray } from "./dtype.js";
import { badValue, expectInteger, expectRecord } from "./expect.js";
import { state } from "./state.js";

/** The key schedule's parity constant, from the Skein hash. */
const PARITY = 0x1bd11bda;

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/** Encrypts the counter (c0, c1) under the key (k0, k1) into `out[0]`, `out[1]` as unsigned 32-bit integers. */
export function threefry(k0: number, k1: number, c0: number, c1: number, out: Uint32Array): void {
  // written out: this runs for every random number
  const k2 = k0 ^ k1 ^ PARITY;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 13) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 15) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 26) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 6) ^ x0;
  x0 = (x0 + k1) | 0;
  x1 = (x1 + k2 + 1) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 17) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 29) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 16) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 24) ^ x0;
  x0 = (x0 + k2) | 0;
  x1 = (x1 + k0 + 2) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 13) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 15) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 26) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 6) ^ x0;
  x0 = (x0 + k0) | 0;
  x1 = (x1 + k1 + 3) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 17) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 29) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 16) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 24) ^ x0;
  x0 = (x0 + k1) | 0;
  x1 = (x1 + k2 + 4) | 0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 13) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 15) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 26) ^ x0;
  x0 = (x0 + x1) | 0;
  x1 = rotate(x1, 6) ^ x0;
  x0 = (x0 + k2) | 0;
  x1 = (x1 + k0 + 5) | 0;
  out[0] = x0;
  out[1] = x1;
}

/** Everything needed to continue a stream. */
export interface GeneratorState {
  readonly seed: number;
  readonly counter: number;
}

/** One stream of random numbers. */
export class Generator {
  readonly seed: number;
  /** Numbers drawn so far. */
  counter = 0;
  readonly #k0: number;
  readonly #k1: number;
  readonly #pair = new Uint32Array(2);

  /** @param seed an integer from 0 to 2⁵³ − 1 */
  constructor(seed: number) {
    expectInteger("Generator", "seed", seed, 0);
    this.seed = seed;
    this.#k0 = seed | 0;
    this.#k1 = Math.floor(seed / 2 ** 32) | 0;
  }

  /** Passes over the next `n` numbers, which someone else draws. */
  skip(n: number): void {
    expectInteger("Generator.skip", "n", n, 0);
    this.counter += n;
  }

  /** The next 32 random bits, as an unsigned integer. */
  bits(): number {
    const half = this.counter % 2;
    if (half === 0 || this.counter !== this.#cached + 1) {
      const block = Math.floor(this.counter / 2);
      threefry(this.#k0, this.#k1, block | 0, Math.floor(block / 2 ** 32) | 0, this.#pair);
    }
    this.#cached = this.counter++;
    return this.#pair[half]!;
  }
  #cached = -2;

  /** Uniform in [0, 1): a multiple of 2⁻²⁴, exact in float32. */
  uniform(): number {
    return (this.bits() >>> 8) * 2 ** -24;
  }

  /** Standard normal, by Box and Muller's transformation of two uniforms. */
  normal(): number {
    // 1 − u is in (0, 1]
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /**
   * A uniform integer in [0, n), without bias.
   * @throws ValueError unless n is an integer from 1 to 2³²
   */
  integer(n: number): number {
    expectInteger("Generator.integer", "n", n, 1, 2 ** 32);
    // numbers above the largest multiple of n would favour small results
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const value = this.bits();
      if (value < limit) return value % n;
    }
  }

  /** A random order of 0 … n − 1 (Fisher and Yates). */
  permutation(n: number): Int32Array {
    expectInteger("Generator.permutation", "n", n, 0, 2 ** 31 - 1);
    const order = hostArray("int32", n);
    for (let i = 0; i < n; i++) order[i] = i;
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = order[i]!;
      order[i] = order[j]!;
      order[j] = held;
    }
    return order;
  }

  state(): GeneratorState {
    return { seed: this.seed, counter: this.counter };
  }

  /** A stream of its own for `label`, the same each time: for an epoch, a layer, a worker. */
  fork(label: number): Generator {
    expectInteger("Generator.fork", "label", label);
    const pair = new Uint32Array(2);
    threefry(this.#k0, this.#k1, label | 0, ~Math.floor(label / 2 ** 32), pair);
    return new Generator(pair[0]! + (pair[1]! & 0x1fffff) * 2 ** 32);
  }

  static from(saved: GeneratorState): Generator {
    expectRecord("Generator.from", "saved", saved, "what state() gave, { seed, counter }");
    expectInteger("Generator.from", "counter", saved.counter, 0);
    const generator = new Generator(saved.seed);
    generator.counter = saved.counter;
    return generator;
  }
}

/** Throws unless `value` is a generator, of whichever copy of this package. */
export function expectGenerator(op: string, value: unknown): asserts value is Generator {
  if (typeof (value as Generator | null | undefined)?.uniform === "function") return;
  throw badValue(op, "generator", "a Generator", value, "Make one: new Generator(seed).");
}

/** The stream that layers and initialisers draw from unless given another. Starts with seed 0. */
export function defaultGenerator(): Generator {
  state.generator ??= new Generator(0);
  return state.generator;
}

/** Starts the default stream anew. */
export function manualSeed(seed: number): Generator {
  state.generator = new Generator(seed);
  return state.generator;
}

/** Continues the default stream from a saved state. */
export function restoreGenerator(saved: GeneratorState): void {
  state.generator = Generator.from(saved);
}
