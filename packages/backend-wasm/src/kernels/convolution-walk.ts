/** How kernels of convolutions walk through images, sequences and volumes. */
import { contiguousStrides, type View } from "@neurite/core";
import type { Engine } from "../engine.js";

/** Multiply-adds below which work is not shared between threads. */
export const SHARED_WORK = 65_536;

/** Attributes of core's convolution records, per spatial axis. */
export interface Geometry {
  readonly strides: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/** How the filter moves over images that are padded already. */
export type Steps = Omit<Geometry, "padding">;

/** Where an output's pixels, and the places of a filter, see x; all steps in bytes. */
export interface Walk {
  /** Number of the output's rows, through all images. */
  readonly rows: number;
  readonly pixels: number;
  readonly pixelStep: number;
  /** Number of runs of places whose channels are neighbours in memory, and the places of a run. */
  readonly taps: number;
  readonly run: number;
  /** Starts of the rows, then of the runs. */
  readonly starts: Int32Array;
}

/** Starts that are remembered in all: those of a large net's layers, in 4 MB. */
const MOST_STARTS = 2 ** 20;

const walks = new Map<string, Walk>();
let remembered = 0;

/**
 * The walk of filters over images of these shapes, made once: the next step of a training asks for it again.
 * @param size lengths of the filter's spatial axes
 */
export function walkOf(y: View, x: View, size: readonly number[], steps: Steps): Walk {
  const { strides, dilation, groups } = steps;
  const key = `${y.shape} ${x.shape} ${size} ${strides} ${dilation} ${groups === 1}`;
  let walk = walks.get(key);
  if (!walk) {
    walk = makeWalk(y, x, size, steps);
    if (remembered + walk.starts.length > MOST_STARTS) {
      walks.clear();
      remembered = 0;
    }
    walks.set(key, walk);
    remembered += walk.starts.length;
  }
  return walk;
}

function makeWalk(y: View, x: View, size: readonly number[], { strides, dilation, groups }: Steps): Walk {
  const axes = contiguousStrides(x.shape).map((stride) => 4 * stride);
  const spatial = axes.slice(1, -1);
  const lengths = y.shape.slice(0, -1);
  const steps = [axes[0]!, ...spatial.map((step, i) => step * strides[i]!)];
  // single pixels are walked as rows of what lies further out
  let row = lengths.length - 1;
  while (row > 0 && lengths[row] === 1) row--;
  const along = spatial.map((step, i) => step * dilation[i]!);
  const joined = groups === 1 && (dilation.at(-1) === 1 || size.at(-1) === 1) ? 1 : 0;
  const rows = offsets(lengths.slice(0, row), steps);
  const taps = offsets(size.slice(0, size.length - joined), along);
  return {
    rows: rows.length,
    pixels: lengths[row]!,
    pixelStep: steps[row]!,
    taps: taps.length,
    run: joined ? size.at(-1)! : 1,
    starts: Int32Array.from([...rows, ...taps]),
  };
}

/** Offsets of all elements of these lengths, in row-major order. */
function offsets(lengths: readonly number[], steps: readonly number[]): readonly number[] {
  let found = [0];
  for (const [axis, length] of lengths.entries()) {
    found = found.flatMap((start) => Array.from({ length }, (_, i) => start + i * steps[axis]!));
  }
  return found;
}

/** Calls `use` with the addresses of the walk's starts. */
export function withStarts(engine: Engine, { rows, starts }: Walk, use: (rows: number, taps: number) => void): void {
  engine.withScratch(4 * starts.length, (at) => {
    new Int32Array(engine.heap.memory.buffer, at, starts.length).set(starts);
    use(at, at + 4 * rows);
  });
}
