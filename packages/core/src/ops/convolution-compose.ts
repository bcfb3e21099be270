/**
 * Convolution and its two gradients in terms of other ops: padding, windows, one copy of the windows to columns, and a
 * matrix product. Where every group has a single input channel (depthwise), sums over the places of the window instead.
 * Used by the records in `convolution.ts`.
 */
import { elementwise } from "../elementwise.js";
import { e } from "../expression.js";
import { scope } from "../scope.js";
import { type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { concat } from "./concat.js";
import { add, mul } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { sum } from "./reduce.js";
import { accumulate, atPlace, padSpatial, placesOf, type Sliding, spreadError, windowsOf } from "./sliding.js";
import { flip, permute, reshape, slice, transpose, unsqueeze } from "./views.js";

/** What a kernel needs to know beside its inputs. */
export interface ConvolutionAttrs extends Sliding {
  readonly groups: number;
}

/**
 * Most elements that are copied to columns at once; larger problems run in blocks of images, then of rows. 16 MB of
 * float32: far below any backend's limit, and large enough that the number of calls does not count.
 */
const BLOCK = 2 ** 22;

const range = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i);

/** Start and end along the batch and along the first spatial axis. */
type Block = readonly [images: readonly [number, number], rows: readonly [number, number]];

/** Cuts [g, n, …counts, …size, c] so that no block has more than {@link BLOCK} elements, if rows are short enough. */
function blocksOf(columns: Tensor): Block[] {
  const [, images, rows] = columns.shape as readonly number[] as [number, number, number];
  // contiguous columns are the input itself: nothing is copied
  if (columns.size <= BLOCK || columns.contiguous)
    return [
      [
        [0, images],
        [0, rows],
      ],
    ];
  const perImage = columns.size / images;
  const imageStep = Math.max(1, Math.floor(BLOCK / perImage));
  const rowStep = perImage <= BLOCK ? rows : Math.max(1, Math.floor((BLOCK * rows) / perImage));
  const blocks: Block[] = [];
  for (let i = 0; i < images; i += imageStep) {
    for (let r = 0; r < rows; r += rowStep) {
      blocks.push([
        [i, Math.min(i + imageStep, images)],
        [r, Math.min(r + rowStep, rows)],
      ]);
    }
  }
  return blocks;
}

/** What every output sees, as a view: x [n, …spatial, g·c], padded, gives [g, n, …counts, …size, c]. */
function columnsOf(x: Tensor, size: Shape, groups: number, sliding: Sliding): Tensor {
  const channels = x.shape[x.rank - 1]!;
  const view = windowsOf(reshape(x, [...x.shape.slice(0, -1), groups, channels / groups]), size, sliding);
  const last = view.rank - 2;
  return permute(view, [last, ...range(last), last + 1]);
}

/** One block of the columns as matrices [g, rows, k]. */
function blockOf(columns: Tensor, block: Block, depth: number): Tensor {
  const part = slice(columns, [null, ...block]);
  return reshape(part, [part.shape[0]!, part.size / part.shape[0]! / depth, depth]);
}

/** Σ over the window: x [n, …spatial, g·c] and filters [...size, c, g·o] give [n, …counts, g·o]. */
export function convolve(x: Tensor, filters: Tensor, attrs: ConvolutionAttrs): Tensor {
  const { groups } = attrs;
  const n = attrs.strides.length;
  const size = filters.shape.slice(0, n);
  const [c, outs] = filters.shape.slice(n) as [number, number];
  const padded = padSpatial(x, attrs.padding);
  if (c === 1 && groups > 1) return convolveDepthwise(padded, filters, attrs);
  const columns = columnsOf(padded, size, groups, attrs);
  const counts = columns.shape.slice(2, n + 2);
  const depth = sizeOf(size) * c;
  // [...size, c, g, o] → [g, k, o]
  const grouped = permute(reshape(filters, [...size, c, groups, outs / groups]), [n + 1, ...range(n + 1), n + 2]);
  const weights = reshape(grouped, [groups, depth, outs / groups]);
  const rows = blocksOf(columns).map((block) =>
    scope(() => permute(matmul(blockOf(columns, block, depth), weights), [1, 0, 2])),
  );
  return reshape(concat(rows, 0), [x.shape[0]!, ...counts, outs]);
}

const mulAdd = /* @__PURE__ */ elementwise("mulAdd", 3, 0, (a, b, sum) => e.add(e.mul(a, b), sum));

/** The same for one input channel per group, x padded already: one product and sum per place of the window. */
function convolveDepthwise(x: Tensor, filters: Tensor, attrs: ConvolutionAttrs): Tensor {
  const n = attrs.strides.length;
  const size = filters.shape.slice(0, n);
  const outs = filters.shape[n + 1]!;
  const channels = attrs.groups;
  const view = windowsOf(x, size, attrs);
  const counts = view.shape.slice(1, n + 1);
  const places = placesOf(size);
  // [channels, 1] times [channels, multiplier]
  const factors = (place: Shape): [Tensor, Tensor] => [
    unsqueeze(atPlace(x, place, counts, attrs), -1),
    reshape(slice(filters, place), [channels, outs / channels]),
  ];
  const first = mul(...factors(places[0]!));
  const sum = accumulate(first, places.length - 1, (before, i) => mulAdd([...factors(places[i + 1]!), before]));
  return reshape(sum, [x.shape[0]!, ...counts, outs]);
}

/**
 * Gradient by x: the error with zeros between its elements for the stride, padded, convolved with the flipped filters, in
 * and out exchanged (Jiang §8.3.2).
 * @param spatial lengths of x's spatial axes, which the stride leaves open
 */
export function inputGradient(dy: Tensor, filters: Tensor, spatial: Shape, attrs: ConvolutionAttrs): Tensor {
  const { groups, dilation } = attrs;
  const n = spatial.length;
  const size = filters.shape.slice(0, n);
  const [c, outs] = filters.shape.slice(n) as [number, number];
  const o = outs / groups;
  // [...size, c, g, o] → [...size, o, g·c], read backwards along the window
  const exchanged = permute(reshape(flip(filters, range(n)), [...size, c, groups, o]), [...range(n), n + 2, n + 1, n]);
  return convolve(spreadError(dy, spatial, size, attrs), reshape(exchanged, [...size, o, groups * c]), {
    strides: size.map(() => 1),
    padding: size.map(() => [0, 0] as const),
    dilation,
    groups,
  });
}

/**
 * Gradient by the filters: the windows of x against the error.
 * @param size of the window, which the stride leaves open
 */
export function filterGradient(x: Tensor, dy: Tensor, size: Shape, attrs: ConvolutionAttrs): Tensor {
  const { groups } = attrs;
  const n = size.length;
  const c = x.shape[n + 1]! / groups;
  const outs = dy.shape[n + 1]!;
  const padded = padSpatial(x, attrs.padding);
  if (c === 1 && groups > 1) return filterGradientDepthwise(padded, dy, size, attrs);
  const columns = columnsOf(padded, size, groups, attrs);
  const depth = sizeOf(size) * c;
  // [n, …counts, g·o] → [g, n, …counts, o], a view
  const last = n + 1;
  const errors = permute(reshape(dy, [...dy.shape.slice(0, -1), groups, outs / groups]), [
    last,
    ...range(last),
    last + 1,
  ]);
  const blocks = blocksOf(columns);
  const part = (i: number) =>
    matmul(transpose(blockOf(columns, blocks[i]!, depth)), blockOf(errors, blocks[i]!, outs / groups));
  const total = accumulate(part(0), blocks.length - 1, (before, i) => add(before, part(i + 1)));
  // [g, …size, c, o] → [...size, c, g·o]
  const parts = reshape(total, [groups, ...size, c, outs / groups]);
  return reshape(permute(parts, [...range(n + 1, 1), 0, n + 2]), [...size, c, outs]);
}

/** The same for one input channel per group, x padded already. */
function filterGradientDepthwise(x: Tensor, dy: Tensor, size: Shape, attrs: ConvolutionAttrs): Tensor {
  const n = size.length;
  const channels = attrs.groups;
  const counts = dy.shape.slice(1, -1);
  const outs = dy.shape[n + 1]!;
  const errors = reshape(dy, [...dy.shape.slice(0, -1), channels, outs / channels]);
  const parts = placesOf(size).map((place) =>
    scope(() => {
      const products = mul(unsqueeze(atPlace(x, place, counts, attrs), -1), errors);
      return reshape(sum(products, { axis: range(n + 1) }), [1, outs]);
    }),
  );
  return reshape(concat(parts, 0), [...size, 1, outs]);
}
