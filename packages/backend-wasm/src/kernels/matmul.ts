/** Matrix products: how a product is cut into blocks, and when B is packed. */
import type { View } from "@neurite/core";
import type { CompiledKernel, Engine } from "../engine.js";
import { defineBlock, defineEdge, definePackA, definePackB } from "../matmul/gemm.js";
import { defineIntegerProduct } from "../matmul/integer.js";
import { ACCUMULATE, ADD_BIAS, RELU, tileColumns, tileRows } from "../matmul/micro.js";
import { defineSmallProduct } from "../matmul/small.js";
import { addressOf, type Block } from "../views.js";
import { place } from "./pad.js";
import { sumParts } from "./sum-parts.js";

/** Usual run of k at once, at most half as much again: a panel of B (8 to 12 kB) stays in the first-level cache. */
const K_BLOCK = 256;
/** Longest k of which C takes one run after the other: more are summed in parts. */
const LONG_SUM = 16 * K_BLOCK;
/** Most columns at once: the packed block of B (2 MB) stays in the last-level cache. */
const N_BLOCK = 2048;
/** Multiply-adds below which a product is not worth sharing between threads. */
const SHARED_WORK = 65_536;
/** B is read where it lies when few rows of A will use it, or when it is small enough for the caches anyway. */
const FEW_ROWS = 24;
/** Multiply-adds of one product up to which packing costs more than it gains, and rows up to which it always does. */
const SMALL_WORK = 8192;
const VERY_FEW_ROWS = 2;
/** A is packed when at least this many columns will use it. */
const FEW_COLUMNS = 128;
const SMALL_B = 32_768;

/** A matrix in memory: address and steps in bytes. */
export interface Matrix {
  readonly at: number;
  readonly rowStep: number;
  readonly columnStep: number;
  /** The storage it lies in, if its packed copy may be kept there until it is written over. */
  readonly block?: Block;
}

/** What is added to a product. */
export interface Added {
  /** Address of n numbers added to each row, or 0. */
  readonly bias?: number;
  /** Adds to what is in C, instead of a bias. */
  readonly accumulate?: boolean;
}

/** What is done with the product before it is stored. */
interface Epilogue extends Added {
  readonly relu?: boolean;
}

const NOTHING: Epilogue = {};

/** C [m, n] (rows `cRow` bytes apart) = A [m, k] · B [k, n], float32. */
function product(
  engine: Engine,
  [m, k, n]: readonly [number, number, number],
  a: Matrix,
  b: Matrix,
  c: number,
  cRow: number,
  { bias = 0, relu = false, accumulate = false }: Epilogue = NOTHING,
): void {
  const height = tileRows(engine.features);
  const tiles = Math.ceil(m / height);
  // runs of one length: a short one at the end would cost as much as a long one
  const run = Math.ceil(k / Math.max(1, Math.round(k / K_BLOCK)));
  for (let column = 0; column < n; column += N_BLOCK) {
    const width = Math.min(N_BLOCK, n - column);
    for (let start = 0; start < k; start += run) {
      const depth = Math.min(run, k - start);
      const last = start + depth === k;
      const finish =
        (start > 0 || accumulate ? ACCUMULATE : 0) | (last && bias ? ADD_BIAS : 0) | (last && relu ? RELU : 0);
      const rows = packA(engine, a, a.at + start * a.columnStep, m, depth, width);
      try {
        // compiled before B is packed: what takes memory may drop packed copies
        const packed = rows.scratch > 0;
        const kernel = engine.variant("matmul block", packed ? "packed" : "", "", (module, features) =>
          defineBlock(module, features, packed),
        );
        const panels = packB(engine, b, b.at + start * b.rowStep + column * b.columnStep, m, depth, width);
        try {
          engine.run(
            kernel,
            tiles,
            Math.ceil(SHARED_WORK / (height * depth * width)),
            m,
            panels.count,
            depth,
            rows.at,
            rows.rowStep,
            rows.columnStep,
            panels.at,
            panels.panelStep,
            panels.rowStep,
            c + column * 4,
            cRow,
            finish,
            bias + column * 4,
          );
        } finally {
          if (panels.scratch > 0) engine.heap.release(panels.at, panels.scratch);
        }
      } finally {
        if (rows.scratch > 0) engine.heap.release(rows.at, rows.scratch);
      }
    }
  }
}

interface Rows {
  readonly at: number;
  readonly rowStep: number;
  readonly columnStep: number;
  /** Bytes of scratch memory at `at`, or 0. */
  readonly scratch: number;
}

/** A from `at` on as panels of a tile's height when enough columns will use it, else where it lies. */
function packA(engine: Engine, { rowStep, columnStep }: Matrix, at: number, m: number, k: number, n: number): Rows {
  const layout = columnStep === 4 ? "rows" : rowStep === 4 ? "columns" : null;
  if (layout === null || n < FEW_COLUMNS || m < FEW_ROWS) return { at, rowStep, columnStep, scratch: 0 };
  const height = tileRows(engine.features);
  const tiles = Math.ceil(m / height);
  const pack = engine.variant("matmul pack A", layout, "", (module, features) => definePackA(module, features, layout));
  const scratch = tiles * height * k * 4;
  const target = engine.heap.allocate(scratch);
  engine.run(pack, tiles, Math.ceil(SHARED_WORK / (height * k)), k, at, rowStep, columnStep, target);
  return { at: target, rowStep: 4 * k, columnStep: 4 * height, scratch };
}

interface Panels {
  readonly at: number;
  readonly count: number;
  /** Bytes from panel to panel, and from k to k within one. */
  readonly panelStep: number;
  readonly rowStep: number;
  readonly scratch: number;
}

/** B from `at` on as panels of neighbouring columns: where it lies, if it can be read like that, else packed. */
function packB(engine: Engine, b: Matrix, at: number, m: number, k: number, n: number): Panels {
  const { rowStep, columnStep } = b;
  const width = tileColumns(engine.features);
  const count = Math.ceil(n / width);
  const neighbours = columnStep === 4;
  if (neighbours && n % width === 0 && (m <= FEW_ROWS || k * n <= SMALL_B)) {
    return { at, count, panelStep: 4 * width, rowStep, scratch: 0 };
  }
  const bytes = count * k * 4 * width;
  const { block } = b;
  const known = block ? engine.packs.find(block, at, rowStep, columnStep, k, n, bytes) : null;
  const steps = { panelStep: k * 4 * width, rowStep: 4 * width };
  if (known && known.copy !== null) return { at: known.copy, count, ...steps, scratch: 0 };
  const layout = neighbours ? "rows" : rowStep === 4 ? "columns" : "any";
  const pack = engine.variant("matmul pack B", layout, "", (module, features) => definePackB(module, features, layout));
  const target = engine.heap.allocate(bytes);
  engine.run(pack, count, Math.ceil(SHARED_WORK / (width * k)), k, n, at, rowStep, columnStep, target);
  const kept = block && known?.used === true && engine.packs.keep(block, known, target);
  if (known) known.used = true;
  return { at: target, count, ...steps, scratch: kept ? 0 : bytes };
}

/** C [m, n] contiguous; columns beyond the last whole panel go through a scratch matrix of one panel. */
function wholePanels(
  engine: Engine,
  [m, k, n]: readonly [number, number, number],
  a: Matrix,
  b: Matrix,
  c: number,
  epilogue: Epilogue = NOTHING,
): void {
  const width = tileColumns(engine.features);
  const rest = n % width;
  const whole = n - rest;
  if (whole > 0) product(engine, [m, k, whole], a, b, c, 4 * n, epilogue);
  if (rest === 0) return;
  const edge = { ...b, at: b.at + whole * b.columnStep };
  const { bias = 0, accumulate = false } = epilogue;
  engine.withScratch(m * 4 * width, (scratch) => {
    if (accumulate) place(engine, m, 4 * rest, c + 4 * whole, 4 * n, scratch, 4 * width);
    product(engine, [m, k, rest], a, edge, scratch, 4 * width, { ...epilogue, bias: bias && bias + 4 * whole });
    const copy = engine.kernel("matmul edge", defineEdge);
    engine.run(copy, m, SHARED_WORK, scratch, rest, c + 4 * whole, 4 * n);
  });
}

/** C [m, n] contiguous, for any k. */
function longProduct(
  engine: Engine,
  [m, k, n]: readonly [number, number, number],
  a: Matrix,
  b: Matrix,
  c: number,
  epilogue: Epilogue = NOTHING,
): void {
  const { accumulate = false } = epilogue;
  const run = (start: number, count: number, to: number, added: Epilogue) =>
    wholePanels(
      engine,
      [m, count, n],
      { ...a, at: a.at + start * a.columnStep },
      { ...b, at: b.at + start * b.rowStep },
      to,
      added,
    );
  // what is left of k comes last, with what is done to the whole
  const before = k - (k % LONG_SUM || Math.min(k, LONG_SUM));
  if (before > 0) {
    sumParts(engine, m * n, before, LONG_SUM, c, (start, count, to) =>
      run(start, count, to, { accumulate: accumulate && start === 0 }),
    );
  }
  run(before, k - before, c, { ...epilogue, accumulate: accumulate || before > 0 });
}

/** Makes the function for C [m, n] = A [m, k] · B [k, n], C contiguous, by the kernel that suits its size. */
export function makeProduct(engine: Engine) {
  const small = makeSmallProduct(engine);
  return (
    sizes: readonly [number, number, number],
    a: Matrix,
    b: Matrix,
    c: number,
    epilogue: Epilogue = NOTHING,
  ): void => {
    const [m, k, n] = sizes;
    const { bias = 0, accumulate = false, relu = false } = epilogue;
    if (!relu && isSmall(m, n, k) && small(sizes, { a, b, c, bias, accumulate })) return;
    longProduct(engine, sizes, a, b, c, epilogue);
  };
}

export function makeMatmul(engine: Engine) {
  const small = makeSmallProduct(engine);
  return (outs: readonly View[], inputs: readonly View[]): undefined => {
    const [out] = outs as [View];
    const [a, b] = inputs as [View, View];
    const [batch, m, n] = out.shape as [number, number, number];
    const k = a.shape[2]!;
    const isFloat = out.dtype === "float32";
    if (isFloat && isSmall(m, n, k)) {
      const [aBatch, bBatch] = [4 * a.strides[0]!, 4 * b.strides[0]!];
      if (small([m, k, n], { a: matrix(a, 0), b: matrix(b, 0), c: addressOf(out), batch, aBatch, bBatch })) return;
    }
    for (let i = 0; i < batch; i++) {
      const c = addressOf(out) + 4 * i * m * n;
      if (isFloat) longProduct(engine, [m, k, n], matrix(a, i), matrix(b, i), c);
      else integerProduct(engine, [m, k, n], matrix(a, i), matrix(b, i), c);
    }
  };
}

/** Matrix `i` of a batch. */
function matrix(view: View, i: number): Matrix {
  return {
    at: addressOf(view) + 4 * i * view.strides[0]!,
    rowStep: 4 * view.strides[1]!,
    columnStep: 4 * view.strides[2]!,
    block: view.id as Block,
  };
}

/** Whether a product of these sizes is done without packing. */
function isSmall(m: number, n: number, k: number): boolean {
  return m <= VERY_FEW_ROWS || m * n * k <= SMALL_WORK;
}

interface Small extends Added {
  readonly a: Matrix;
  readonly b: Matrix;
  readonly c: number;
  /** How many products, and the steps in bytes from one to the next. */
  readonly batch?: number;
  readonly aBatch?: number;
  readonly bBatch?: number;
}

/** Makes the function that multiplies small matrices where they lie; it returns false when B would be read one element at a time. */
function makeSmallProduct(engine: Engine) {
  const kernels: { rows?: CompiledKernel; dot?: CompiledKernel } = {};
  return (
    [m, k, n]: readonly [number, number, number],
    { a, b, c, bias = 0, accumulate = false, batch = 1, aBatch = 0, bBatch = 0 }: Small,
  ): boolean => {
    const alongK = b.rowStep === 4 && a.columnStep === 4;
    if (!alongK && b.columnStep !== 4 && n !== 1) return false;
    const layout = alongK ? "dot" : "rows";
    kernels[layout] ??= engine.kernel(`matmul small ${layout}`, (module, features) =>
      defineSmallProduct(module, features, layout),
    );
    const kernel = kernels[layout];
    const added = accumulate ? c : bias;
    const addedRow = accumulate ? 4 * n : 0;
    if (batch * m * n * k <= SHARED_WORK) {
      // called at once: a list of arguments would take longer than the product
      kernel(
        0,
        batch,
        m,
        n,
        k,
        a.at,
        aBatch,
        a.rowStep,
        a.columnStep,
        b.at,
        bBatch,
        b.rowStep,
        b.columnStep,
        c,
        added,
        addedRow,
      );
    } else {
      const grain = Math.ceil(SHARED_WORK / (m * n * k));
      const left = [a.at, aBatch, a.rowStep, a.columnStep] as const;
      engine.run(kernel, batch, grain, m, n, k, ...left, b.at, bBatch, b.rowStep, b.columnStep, c, added, addedRow);
    }
    return true;
  };
}

function integerProduct(
  engine: Engine,
  [m, k, n]: readonly [number, number, number],
  a: Matrix,
  b: Matrix,
  c: number,
): void {
  const kernel = engine.kernel("matmul int32", defineIntegerProduct);
  const grain = Math.ceil(SHARED_WORK / (k * n));
  engine.run(kernel, m, grain, n, k, a.at, a.rowStep, a.columnStep, b.at, b.rowStep, b.columnStep, c);
}
