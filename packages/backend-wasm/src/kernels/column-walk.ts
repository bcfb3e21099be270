/**
 * Sums along the columns of matrices and affine maps of their columns: what batch and group normalisation are made of.
 * Blocks of rows are the items: their sums come one after the other in memory and are added up here, so that the result
 * does not depend on who computed which.
 */
import { f32, f32x4, type I32, i32, type V128, v128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { CompiledKernel, Engine } from "../engine.js";
import { storeSome } from "../lanes.js";
import { RowWalk } from "../row-walk.js";
import { type Features, VectorMath } from "../vector-math.js";
import { floatsAt } from "../views.js";

/** Elements of a block: 64 kB stay in the second-level cache, and what is left to JavaScript is little beside them. */
const BLOCK = 16_384;
/** Most rows of a block, whose sums are float32; those of all blocks are added up in float64. */
const MOST_ROWS = 256;
/** Quads of channels that are summed at once: a line of the cache, and additions that need not wait for each other. */
const SIDE_BY_SIDE = [0, 1, 2, 3];

const BLOCKS = {
  begin: "i32",
  end: "i32",
  /** Rows of a matrix, and of a block; blocks of a matrix. */
  m: "i32",
  rows: "i32",
  blocks: "i32",
  channels: "i32",
} as const;
type Blocks = Readonly<Record<keyof typeof BLOCKS, Local<"i32">>>;

/** Calls `visit` in a loop over blocks begin … end, with a block's number, its matrix, its first row of all, and its rows. */
function forEachBlock(
  f: FunctionBuilder,
  p: Blocks,
  visit: (block: Local<"i32">, matrix: Local<"i32">, first: Local<"i32">, rows: Local<"i32">) => void,
): void {
  const block = f.keep(p.begin);
  f.while(
    () => i32.ltU(block, p.end),
    () => {
      const matrix = f.keep(i32.divU(block, p.blocks));
      const within = f.keep(i32.mul(i32.sub(block, i32.mul(matrix, p.blocks)), p.rows));
      const left = f.keep(i32.sub(p.m, within));
      const rows = f.keep(i32.minU(p.rows, left));
      visit(block, matrix, f.keep(i32.add(i32.mul(matrix, p.m), within)), rows);
      f.increase(block, 1);
    },
  );
}

/** Calls `visit` in code that gets over all channels: their byte offset, the numbers of quads at once, and how to store one. */
function forEachChannels(
  f: FunctionBuilder,
  channels: I32,
  visit: (offset: I32, quads: readonly number[], store: (at: I32, value: V128, quad: number) => void) => void,
): void {
  const offset = f.variable("i32", i32.const(0));
  const left = f.keep(channels);
  for (const quads of [SIDE_BY_SIDE, [0]]) {
    const count = quads.length;
    f.while(
      () => i32.gtU(left, 4 * count - 1),
      () => {
        visit(offset, quads, (at, value, quad) => f.do(v128.store(at, value, 16 * quad)));
        f.increase(offset, 16 * count);
        f.increase(left, -4 * count);
      },
    );
  }
  f.if(left, () => visit(offset, [0], (at, value) => storeSome(f, "float32", at, value, left)));
}

/** Numbers of a block, [blocks, 2, channels]: mean of x and Σ (x − that)², or Σ dy and Σ dy ⊙ (x − mean). */
type Sums = "moments" | "errors";

function defineSums(module: ModuleBuilder, features: Features, kind: Sums): void {
  const parameters = { ...BLOCKS, x: "i32", mean: "i32", dy: "i32", out: "i32" } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const width = f.keep(i32.shl(p.channels, 2));
    const sumsOf = (
      [from, errors, means, to]: readonly [Local<"i32">, I32, I32, Local<"i32">],
      rows: I32,
      quads: readonly number[],
      store: (at: I32, value: V128, quad: number) => void,
    ) => {
      const line = f.variable("i32");
      const errorLine = f.variable("i32");
      const zeros = () => quads.map(() => f.variable("v128", f32x4.const(0)));
      const [first, second] = [zeros(), zeros()];
      const centers = kind === "errors" ? quads.map((quad) => f.keep(v128.load(means, 16 * quad))) : first;
      const eachRow = (visit: (quad: number, x: V128) => void) => {
        f.set(line, from);
        f.set(errorLine, errors);
        f.times(rows, () => {
          for (const quad of quads) visit(quad, v128.load(line, 16 * quad));
          f.increase(line, width);
          f.increase(errorLine, width);
        });
      };
      if (kind === "moments") {
        eachRow((quad, x) => f.set(first[quad]!, f32x4.add(first[quad]!, x)));
        const share = f.keep(f32x4.splat(f32.div(f32.const(1), f32.convertI32(rows))));
        for (const sum of first) f.set(sum, f32x4.mul(sum, share));
      }
      eachRow((quad, x) => {
        const deviation = f.keep(f32x4.sub(x, centers[quad]!));
        if (kind === "moments") f.set(second[quad]!, math.madd(deviation, deviation, second[quad]!));
        else {
          const error = f.keep(v128.load(errorLine, 16 * quad));
          f.set(first[quad]!, f32x4.add(first[quad]!, error));
          f.set(second[quad]!, math.madd(error, deviation, second[quad]!));
        }
      });
      for (const quad of quads) {
        store(to, first[quad]!, quad);
        store(i32.add(to, width), second[quad]!, quad);
      }
    };
    forEachBlock(f, p, (block, matrix, first, rows) => {
      const start = f.keep(i32.mul(first, width));
      forEachChannels(f, p.channels, (offset, quads, store) => {
        const at = i32.add(start, offset);
        const means = i32.add(p.mean, i32.add(i32.mul(matrix, width), offset));
        const to = f.keep(i32.add(p.out, i32.add(i32.mul(i32.mul(block, width), 2), offset)));
        sumsOf([f.keep(i32.add(p.x, at)), i32.add(p.dy, at), means, to], rows, quads, store);
      });
    });
  });
}

/** out = error·dy + deviation·(x − mean) + shift with numbers for each channel; without dy the first term is left out. */
function defineAffine(module: ModuleBuilder, features: Features, withError: boolean): void {
  const parameters = {
    ...BLOCKS,
    x: "i32",
    dy: "i32",
    mean: "i32",
    deviation: "i32",
    shift: "i32",
    error: "i32",
    out: "i32",
  } as const;
  module.define("run", parameters, (f, p) => {
    const math = new VectorMath(f, features);
    const width = f.keep(i32.shl(p.channels, 2));
    const columns = new RowWalk(f, p.channels);
    forEachBlock(f, p, (_, matrix, first, rows) => {
      const offset = f.keep(i32.mul(matrix, width));
      const numbers = [p.mean, p.deviation, p.shift, p.error].map((base) => f.keep(i32.add(base, offset)));
      const start = f.keep(i32.mul(first, width));
      const lines = [p.x, p.dy, p.out].map((base) => f.keep(i32.add(base, start)));
      const [x, dy, out] = lines as [Local<"i32">, Local<"i32">, Local<"i32">];
      f.times(rows, () => {
        columns.pass(({ load, store }) => {
          const [mean, deviation, shift, error] = numbers.map((base) => load(base));
          const value = math.madd(f32x4.sub(load(x), mean!), deviation!, shift!);
          store(out, withError ? math.madd(load(dy), error!, value) : value);
        }, true);
        for (const line of lines) f.increase(line, width);
      });
    });
  });
}

/** Runs kernels over the blocks of matrices [n, m, channels]. What it gives and takes is [n, channels]. */
export class ColumnWalk {
  readonly #rows: number;
  readonly #blocks: number;

  constructor(
    readonly engine: Engine,
    readonly n: number,
    readonly m: number,
    readonly channels: number,
  ) {
    this.#blocks = Math.ceil(m / Math.min(MOST_ROWS, Math.max(1, Math.floor(BLOCK / channels))));
    this.#rows = Math.ceil(m / this.#blocks);
  }

  #run(kernel: CompiledKernel, ...addresses: number[]): void {
    const { engine, n, m, channels } = this;
    const grain = Math.ceil(BLOCK / (this.#rows * channels));
    engine.run(kernel, n * this.#blocks, grain, m, this.#rows, this.#blocks, channels, ...addresses);
  }

  /** Calls `read` with two numbers of each block's channels, [blocks, 2, channels]. */
  #sums(kind: Sums, x: number, mean: number, dy: number, read: (parts: Float32Array) => void): void {
    const { engine, n, channels } = this;
    const kernel = engine.variant("column sums", kind, "", (module, features) => defineSums(module, features, kind));
    const size = 2 * channels * this.#blocks * n;
    engine.withScratch(4 * size, (out) => {
      this.#run(kernel, x, mean, dy, out);
      read(floatsAt(engine, out, size));
    });
  }

  #rowsOf(block: number): number {
    return Math.min(this.#rows, this.m - block * this.#rows);
  }

  /** Mean and Σ (x − mean)² of each channel of each matrix, in float64. */
  moments(x: number): { means: Float64Array; squares: Float64Array } {
    const { n, m, channels } = this;
    const means = new Float64Array(n * channels);
    const squares = new Float64Array(n * channels);
    this.#sums("moments", x, 0, 0, (parts) => {
      for (let matrix = 0, at = 0; matrix < n; matrix++) {
        const first = matrix * channels;
        const start = at;
        for (let block = 0; block < this.#blocks; block++, at += 2 * channels) {
          const share = this.#rowsOf(block) / m;
          for (let c = 0; c < channels; c++) means[first + c]! += parts[at + c]! * share;
        }
        at = start;
        for (let block = 0; block < this.#blocks; block++, at += 2 * channels) {
          const rows = this.#rowsOf(block);
          for (let c = 0; c < channels; c++) {
            const distance = parts[at + c]! - means[first + c]!;
            squares[first + c]! += parts[at + channels + c]! + rows * distance * distance;
          }
        }
      }
    });
    return { means, squares };
  }

  /** Σ dy and Σ dy ⊙ (x − mean) of each channel of each matrix, in float64. */
  errors(x: number, mean: number, dy: number): { errors: Float64Array; products: Float64Array } {
    const { n, channels } = this;
    const errors = new Float64Array(n * channels);
    const products = new Float64Array(n * channels);
    this.#sums("errors", x, mean, dy, (parts) => {
      for (let block = 0, at = 0; block < n * this.#blocks; block++, at += 2 * channels) {
        const first = Math.floor(block / this.#blocks) * channels;
        for (let c = 0; c < channels; c++) {
          errors[first + c]! += parts[at + c]!;
          products[first + c]! += parts[at + channels + c]!;
        }
      }
    });
    return { errors, products };
  }

  /**
   * See {@link defineAffine}.
   * @param fill writes means, factors of deviations, shifts and, with dy, factors of errors: [n, channels] each
   */
  affine(x: number, dy: number | null, fill: (numbers: readonly Float32Array[]) => void, out: number): void {
    const { engine, n, channels } = this;
    const kernel = engine.variant("column affine", dy === null ? "" : "error", "", (module, features) =>
      defineAffine(module, features, dy !== null),
    );
    const size = n * channels;
    engine.withScratch(16 * size, (at) => {
      const [mean, deviation, shift, error] = [0, 4, 8, 12].map((offset) => at + offset * size) as [
        number,
        number,
        number,
        number,
      ];
      fill([mean, deviation, shift, error].map((address) => floatsAt(engine, address, size)));
      this.#run(kernel, x, dy ?? x, mean, deviation, shift, error, out);
    });
  }
}
