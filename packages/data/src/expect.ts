/** Checks of numbers that readers, loaders and augmentation share. */
import { ValueError } from "@neurite/core";

/** Throws unless `value` is an integer of at least `low`. */
export function expectInteger(op: string, argument: string, value: number, low = Number.NEGATIVE_INFINITY): void {
  if (Number.isInteger(value) && value >= low) return;
  const bound = Number.isFinite(low) ? `, ${low} or above` : "";
  throw new ValueError({ op, argument, expected: `an integer${bound}`, received: String(value) });
}

/** Throws unless `value` is finite, and at least `low`. */
export function expectFinite(op: string, argument: string, value: number, low = Number.NEGATIVE_INFINITY): void {
  if (Number.isFinite(value) && value >= low) return;
  const bound = Number.isFinite(low) ? `, ${low} or above` : "";
  throw new ValueError({ op, argument, expected: `a finite number${bound}`, received: String(value) });
}

/** Throws unless `value` is a function. */
export function expectFunction(op: string, argument: string, value: unknown, remedy: string): void {
  if (typeof value === "function") return;
  throw new ValueError({ op, argument, expected: "a function", received: typeof value, remedy });
}

/** Throws unless `value` is one of the words or numbers. */
export function expectOneOf(op: string, argument: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  throw new ValueError({ op, argument, expected: `one of ${choices.join(", ")}`, received: String(value) });
}
