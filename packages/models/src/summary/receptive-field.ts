/**
 * How much of the input an element of a result depends on, told from the ops that made it (Jiang §8.3.2). Statistics of a
 * batch do not count, and zeros around the input do.
 */
import { type Shape, sameShape, sizeOf, type Tensor } from "@neurite/core";

/** Along one spatial axis: positions seen, and how far the windows of neighbours are apart. */
interface Reach {
  readonly size: number;
  readonly jump: number;
}

/** Of the spatial axes of the input, in order, which follow the batch. */
interface Reaches {
  readonly axes: readonly Reach[];
  /** Batch and spatial axes where they are one axis now, as a linear layer makes them; null where they are not. */
  readonly folded: Shape | null;
}

/** `all` where positions are mixed. */
export type Field = Reaches | "all";

interface Sliding {
  readonly strides: readonly number[];
  readonly dilation?: readonly number[];
}

type Rule = (axis: Reach, i: number, inputs: readonly Tensor[], attrs: never) => Reach;

/** Windows of `size` elements, some apart. */
const slide = ({ size: seen, jump }: Reach, i: number, size: Shape, { strides, dilation }: Sliding): Reach => ({
  size: seen + (size[i]! - 1) * (dilation?.[i] ?? 1) * jump,
  jump: jump * strides[i]!,
});

const convolution: Rule = (axis, i, [, filters], attrs) => slide(axis, i, filters!.shape, attrs);
const pooling: Rule = (axis, i, _, attrs: Sliding & { size: Shape }) => slide(axis, i, attrs.size, attrs);

/** An output of a transposed convolution meets ⌈span / stride⌉ inputs at most. */
const transposed: Rule = ({ size: seen, jump }, i, [, filters], { strides, dilation }: Sliding) => {
  const span = (filters!.shape[i]! - 1) * (dilation?.[i] ?? 1) + 1;
  return { size: seen + (Math.ceil(span / strides[i]!) - 1) * jump, jump: jump / strides[i]! };
};

/** Ops that change the lengths of spatial axes and keep them apart. */
const RULES: Readonly<Record<string, Rule>> = {
  conv1d: convolution,
  conv2d: convolution,
  conv3d: convolution,
  convTranspose1d: transposed,
  convTranspose2d: transposed,
  convTranspose3d: transposed,
  maxPool1d: pooling,
  maxPool2d: pooling,
  maxPool3d: pooling,
  avgPool1d: pooling,
  avgPool2d: pooling,
  avgPool3d: pooling,
  pad: (axis) => axis,
  concat: (axis) => axis,
  slice: ({ size, jump }, i, _, { axes }: { axes: readonly { readonly step: number }[] }) => ({
    size,
    jump: jump * Math.abs(axes[i + 1]!.step),
  }),
};

/** Ops that mix positions and leave the lengths as they are. */
const MIXERS: ReadonlySet<string> = new Set(["attention", "groupNorm", "gru", "lstm"]);

function union(a: Field, b: Field): Field {
  if (a === "all" || b === "all") return "all";
  const larger = ({ size, jump }: Reach, i: number) => ({
    size: Math.max(size, b.axes[i]!.size),
    jump: Math.max(jump, b.axes[i]!.jump),
  });
  return { axes: a.axes.map(larger), folded: a.folded };
}

/** The field of an op's result; undefined where it does not depend on the input. */
export function fieldAfter(
  op: string,
  inputs: readonly Tensor[],
  attrs: unknown,
  out: Tensor,
  fields: readonly (Field | undefined)[],
): Field | undefined {
  const known = fields.filter((field) => field !== undefined);
  if (known.length === 0) return undefined;
  const field = known.reduce(union);
  // a product of two results has each position meet each
  if (field === "all" || MIXERS.has(op) || (op === "matmul" && known.length > 1)) return "all";
  const { axes, folded } = field;
  const { shape } = inputs[fields.findIndex((one) => one !== undefined)]!;
  const rule = RULES[op];
  if (rule && !folded && out.rank === shape.length) {
    return { axes: axes.map((axis, i) => rule(axis, i, inputs, attrs as never)), folded };
  }
  // else an op acts position by position as far as it leaves the axes of positions alone
  const leading = folded ?? shape.slice(0, axes.length + 1);
  if (sameShape(out.shape.slice(0, leading.length), leading)) return { axes, folded: null };
  return out.shape[0] === sizeOf(leading) ? { axes, folded: leading } : "all";
}

/** Of the input itself: all axes but the batch, and but the features of floats. */
export function fieldOfInput({ rank, dtype }: Tensor): Field {
  const length = Math.max(dtype === "int32" ? rank - 1 : rank - 2, 0);
  return { axes: Array.from({ length }, () => ({ size: 1, jump: 1 })), folded: null };
}
