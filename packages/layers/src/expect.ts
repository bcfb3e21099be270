/** Checks of the arguments that layers share. */
import { ValueError } from "@neurite/core";
import { Module } from "./module.js";

/** Throws unless `value` is a positive integer; for sizes in constructors. */
export function expectSize(op: string, argument: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new ValueError({ op, argument, expected: "a positive integer", received: String(value) });
  }
}

/** Throws unless all of them are positive integers; for sizes that are one for all axes or one per axis. */
export function expectSizes(op: string, argument: string, sizes: number | readonly number[]): void {
  const list = typeof sizes === "number" ? [sizes] : sizes;
  if (Array.isArray(list) && list.length > 0 && list.every((size) => Number.isInteger(size) && size > 0)) return;
  throw new ValueError({
    op,
    argument,
    expected: "a positive integer, or one per spatial axis",
    received: String(JSON.stringify(sizes)),
  });
}

/** Throws unless `value` is finite, and at least `low`. */
export function expectNumber(op: string, argument: string, value: number, low = Number.NEGATIVE_INFINITY): void {
  if (Number.isFinite(value) && value >= low) return;
  const bound = Number.isFinite(low) ? `, ${low} or above` : "";
  throw new ValueError({ op, argument, expected: `a finite number${bound}`, received: String(value) });
}

/** Throws unless `value` is finite and above 0. */
export function expectPositive(op: string, argument: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new ValueError({ op, argument, expected: "a finite number above 0", received: String(value) });
}

/** Throws unless `value` is one of the words. */
export function expectWord(op: string, argument: string, value: string, words: readonly string[]): void {
  if (words.includes(value)) return;
  const expected = words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  throw new ValueError({ op, argument, expected, received: String(value) });
}

/** Throws unless `value` is a module. */
export function expectModule(op: string, argument: string, value: unknown): void {
  if (value instanceof Module) return;
  throw new ValueError({
    op,
    argument,
    expected: "a module",
    received: typeof value,
    remedy: "Wrap functions in a class that extends Module; activations have one each, such as ReLU.",
  });
}
