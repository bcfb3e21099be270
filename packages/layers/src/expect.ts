/** Checks of arguments that are about layers. Read first: `@neurite/core/expect`. */
import { badValue } from "@neurite/core/expect";
import { Module } from "./module.js";

/** Most layers of a stack: each is some objects and storages, and a thousand is more than any network has. */
export const MOST_LAYERS = 2 ** 12;

/** Throws unless all of them are positive integers; for sizes that are one for all axes or one per axis. */
export function expectSizes(op: string, argument: string, sizes: number | readonly number[]): void {
  const list = typeof sizes === "number" ? [sizes] : sizes;
  if (Array.isArray(list) && list.length > 0 && list.every((size) => Number.isSafeInteger(size) && size > 0)) return;
  throw badValue(op, argument, "a positive integer, or one per spatial axis", sizes);
}

/** Throws unless `value` is a module. */
export function expectModule(op: string, argument: string, value: unknown): void {
  if (value instanceof Module) return;
  const remedy = "Wrap functions in a class that extends Module; activations have one each, such as ReLU.";
  throw badValue(op, argument, "a module", value, remedy);
}
