/** What the ops over whole sequences share: their arguments, the order of steps, padding. Read next: `lstm.ts`. */
import { expectFloat, expectSameDType } from "../dtype.js";
import { DTypeError, ShapeError } from "../errors.js";
import type { OptionKinds } from "../expect.js";
import { expectSameShape, formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { stack, unstack } from "./concat.js";
import { where } from "./elementwise.js";
import { reshape, unsqueeze } from "./views.js";

/** How an op goes through a sequence. */
export interface SequenceOptions {
  /** Steps are taken from the last to the first; each result stays at its step. Default false. */
  readonly reverse?: boolean | undefined;
  /** bool [time, n]: where it is false the state stands still, and the output is 0. */
  readonly mask?: Tensor | undefined;
}

/** What these options may be. */
export const SEQUENCE: OptionKinds<SequenceOptions> = { reverse: "boolean", mask: "tensor" };

export interface SequenceAttrs {
  readonly reverse: boolean;
}

export interface SequenceGradAttrs extends SequenceAttrs {
  /** Whether the gradients by the initial state are wanted, too. */
  readonly initial: boolean;
}

/** Throws unless shares [time, n, parts·hidden], weight [parts·hidden, hidden], states [n, hidden] and mask fit together. */
export function expectSequence(
  op: string,
  parts: number,
  { shares, weight, ...states }: { readonly shares: Tensor; readonly weight: Tensor; readonly [state: string]: Tensor },
  mask: Tensor | undefined,
): void {
  const { shape, dtype } = shares;
  const [time, n, width] = shape as [number, number, number];
  expectFloat(op, "shares", dtype);
  if (shape.length !== 3 || time === 0 || width % parts !== 0) {
    throw new ShapeError({
      op,
      argument: "shares",
      expected: `[time, n, ${parts}·hidden], time ≥ 1`,
      received: formatShape(shape),
      remedy: "Time comes first here: transpose(x, 0, 1) of a batch of sequences.",
    });
  }
  const hidden = width / parts;
  expectSameDType(op, "weight", dtype, weight.dtype);
  expectSameShape(op, "weight", [width, hidden], weight.shape);
  for (const [name, state] of Object.entries(states)) {
    expectSameDType(op, name, dtype, state.dtype);
    expectSameShape(op, name, [n, hidden], state.shape);
  }
  if (!mask) return;
  if (mask.dtype !== "bool") {
    throw new DTypeError({
      op,
      argument: "mask",
      expected: "bool, true at real steps",
      received: mask.dtype,
      remedy: "Compare first, e.g. notEqual(tokens, padding).",
    });
  }
  expectSameShape(op, "mask", [time, n], mask.shape);
}

/** The steps in the order in which they are taken. */
export function orderOf(time: number, reverse: boolean): number[] {
  return Array.from({ length: time }, (_, i) => (reverse ? time - 1 - i : i));
}

/** The mask's steps, [n, 1] each. */
export function realSteps(mask: Tensor | undefined): Tensor[] | undefined {
  return mask && unstack(mask).map((step) => unsqueeze(step, 1));
}

/** `next` in real rows, `old` in padded ones. */
export function held(real: Tensor | undefined, next: Tensor, old: Tensor | number): Tensor {
  return real ? where(real, next, old) : next;
}

/** The tensors that stand at the same place of each step, stacked over time. */
export function stackSteps(steps: readonly (readonly Tensor[])[]): Tensor[] {
  return steps[0]!.map((_, i) => stack(steps.map((step) => step[i]!)));
}

/** [time, n, width] as [time·n, width]. */
export function rowsOf(x: Tensor): Tensor {
  return reshape(x, [x.shape[0]! * x.shape[1]!, x.shape[2]!]);
}
