/** Parts of the references of ops over whole sequences, time first. */
import { at, build, type Plain } from "./plain.js";

/** Step `t` of a sequence. */
export function stepOf(x: Plain, t: number): Plain {
  return build(x.shape.slice(1), (index) => at(x, [t, ...index]));
}

/** The sequence of these steps. */
export function joined(steps: readonly Plain[]): Plain {
  return { shape: [steps.length, ...steps[0].shape], data: steps.flatMap(({ data }) => data) };
}

/** h·Wᵀ */
export function productOf(h: Plain, weight: Plain): Plain {
  return build([h.shape[0], weight.shape[0]], ([i, j]) => {
    let sum = 0;
    for (let k = 0; k < h.shape[1]; k++) sum += at(h, [i, k]) * at(weight, [j, k]);
    return sum;
  });
}

/** `next` in the rows that are real at step `t`; `old`, or 0, in those that are padding. */
export function heldAt(mask: Plain | undefined, t: number, next: Plain, old: Plain | null): Plain {
  return build(next.shape, (index) => {
    if (!mask || at(mask, [t, index[0]]) === 1) return at(next, index);
    return old ? at(old, index) : 0;
  });
}
