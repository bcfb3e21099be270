/**
 * Checks of arguments that several packages share: numbers, words, lists, functions, and objects of options. They are
 * imported from `@neurite/core/expect`, not from the package's index. Each throws an error that names op, argument, what was
 * expected and what came.
 */
import { DTYPES, type DType } from "./dtype.js";
import { DTypeError, ValueError } from "./errors.js";
import { nearestName } from "./nearest.js";

/** Marks tensors, so that they are recognised without importing their class. */
export const TENSOR_BRAND = /* @__PURE__ */ Symbol.for("neurite.tensor");

/** A value in a few words, whatever it is: for the end of an error. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value.length > 40 ? `${JSON.stringify(value.slice(0, 40))}…` : JSON.stringify(value);
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "bigint":
      return `${value}n`;
    case "object":
      break;
    default:
      return String(value);
  }
  if (value === null) return "null";
  if (Array.isArray(value)) return isShort(value) ? `an array ${listText(value)}` : "an array";
  if (isBranded(value)) return "a tensor";
  const { constructor } = value as { constructor?: unknown };
  const name = typeof constructor === "function" ? constructor.name : "";
  if (name === "" || name === "Object") return "an object";
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}

/** Whether it is a list of a few numbers, or of short lists of them. */
function isShort(list: readonly unknown[], depth = 0): boolean {
  const plain = (item: unknown) =>
    typeof item === "number" || (Array.isArray(item) && depth < 2 && isShort(item, depth + 1));
  return list.length <= 8 && list.every(plain);
}

function listText(list: readonly unknown[]): string {
  return `[${list.map((item) => (Array.isArray(item) ? listText(item) : String(item))).join(", ")}]`;
}

function isBranded(value: unknown): boolean {
  return typeof value === "object" && value !== null && (value as { [TENSOR_BRAND]?: boolean })[TENSOR_BRAND] === true;
}

/** The error for an argument of a wrong kind or value. */
export function badValue(op: string, argument: string, expected: string, value: unknown, remedy?: string): ValueError {
  return new ValueError({ op, argument, expected, received: describeValue(value), ...(remedy && { remedy }) });
}

function bounds(low: number, high: number): string {
  if (high < Number.MAX_SAFE_INTEGER)
    return low > -Number.MAX_SAFE_INTEGER ? ` from ${low} to ${high}` : ` up to ${high}`;
  return low > -Number.MAX_SAFE_INTEGER ? `, ${low} or above` : "";
}

/** Throws unless `value` is an integer that JavaScript holds exactly, from `low` to `high`. */
export function expectInteger(
  op: string,
  argument: string,
  value: unknown,
  low = Number.MIN_SAFE_INTEGER,
  high = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high) return;
  throw badValue(op, argument, `an integer${bounds(low, high)}`, value);
}

/** Throws unless `value` is 1, 2, 3 …: a length, a number of features, a batch size. */
export function expectSize(op: string, argument: string, value: unknown): asserts value is number {
  if (!KINDS.size(value)) throw badValue(op, argument, WORDS.size, value);
}

/** Throws unless `value` is a finite number from `low` to `high`. */
export function expectFinite(
  op: string,
  argument: string,
  value: unknown,
  low = Number.NEGATIVE_INFINITY,
  high = Number.POSITIVE_INFINITY,
): asserts value is number {
  if (Number.isFinite(value) && (value as number) >= low && (value as number) <= high) return;
  throw badValue(op, argument, `${Number.isFinite(high) ? "a" : "a finite"} number${bounds(low, high)}`, value);
}

/** Throws unless `value` is finite and above 0. */
export function expectPositive(op: string, argument: string, value: unknown): asserts value is number {
  if (Number.isFinite(value) && (value as number) > 0) return;
  throw badValue(op, argument, "a finite number above 0", value);
}

/** Throws unless `value` is a probability that leaves something: from 0 to below 1. */
export function expectShare(op: string, argument: string, value: unknown, expected: string): asserts value is number {
  if (typeof value === "number" && value >= 0 && value < 1) return;
  throw badValue(op, argument, expected, value);
}

/** Throws unless `value` is a function. */
export function expectFunction(op: string, argument: string, value: unknown, remedy?: string): void {
  if (typeof value !== "function") throw badValue(op, argument, "a function", value, remedy);
}

/** Throws unless `value` is text. */
export function expectText(op: string, argument: string, value: unknown): asserts value is string {
  if (typeof value !== "string") throw badValue(op, argument, "a string", value);
}

/** Throws unless `value` is an array. */
export function expectList(
  op: string,
  argument: string,
  value: unknown,
  of: string,
): asserts value is readonly unknown[] {
  if (!Array.isArray(value)) throw badValue(op, argument, `an array of ${of}`, value);
}

/** Throws unless `value` is an array of numbers, a plain or a typed one. */
export function expectNumbers(op: string, argument: string, value: unknown): asserts value is ArrayLike<number> {
  if (ArrayBuffer.isView(value) && "length" in value) return;
  if (!Array.isArray(value)) throw badValue(op, argument, "an array of numbers", value);
  for (let i = 0; i < value.length; i++) {
    if (typeof value[i] !== "number") throw badValue(op, `${argument}[${i}]`, "a number", value[i]);
  }
}

/** Throws unless `value` is bytes. */
export function expectBytes(op: string, argument: string, value: unknown): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) throw badValue(op, argument, "a Uint8Array", value);
}

/** Throws unless `value` can be gone through with `for … of`. */
export function expectIterable(op: string, argument: string, value: unknown): asserts value is Iterable<unknown> {
  const isIterable = typeof (value as Iterable<unknown> | null | undefined)?.[Symbol.iterator] === "function";
  if (!isIterable) throw badValue(op, argument, "an iterable", value);
}

/** Throws unless `value` is an array of integers of at least `low`. */
export function expectIntegers(
  op: string,
  argument: string,
  value: unknown,
  low?: number,
): asserts value is readonly number[] {
  expectList(op, argument, value, "integers");
  // by index: a hole of an array is no integer
  for (let i = 0; i < value.length; i++) expectInteger(op, `${argument}[${i}]`, value[i], low);
}

/** Throws unless `value` is an object with fields, and no array. */
export function expectRecord(op: string, argument: string, value: unknown, expected: string): asserts value is object {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)) return;
  throw badValue(op, argument, expected, value);
}

/** Throws unless `value` is one of the choices; names the nearest one. */
export function expectOneOf(op: string, argument: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  const words = choices.filter((choice) => typeof choice === "string");
  throw badValue(op, argument, listed(choices.map(String)), value, suggestion(value, words));
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? `${words[0]}` : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function suggestion(value: unknown, known: readonly string[]): string | undefined {
  const nearest = typeof value === "string" ? nearestName(value, known) : undefined;
  return nearest && `Did you mean ${nearest}?`;
}

/** Throws unless `value` is a dtype; names the nearest one. */
export function expectDType(op: string, argument: string, value: unknown): asserts value is DType {
  if ((DTYPES as readonly unknown[]).includes(value)) return;
  const remedy = suggestion(value, DTYPES);
  throw new DTypeError({
    op,
    argument,
    expected: `one of ${DTYPES.join(", ")}`,
    received: describeValue(value),
    ...(remedy && { remedy }),
  });
}

// ---- options

const KINDS = {
  /** Checked elsewhere. */
  any: () => true,
  boolean: (value: unknown) => typeof value === "boolean",
  number: (value: unknown) => typeof value === "number",
  integer: Number.isSafeInteger,
  /** 1, 2, 3 … */
  size: (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0,
  /** 0, 1, 2 … */
  count: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
  string: (value: unknown) => typeof value === "string",
  function: (value: unknown) => typeof value === "function",
  list: Array.isArray,
  tensor: isBranded,
  device: (value: unknown) => typeof (value as { allocate?: unknown } | null)?.allocate === "function",
  generator: (value: unknown) => typeof (value as { uniform?: unknown } | null)?.uniform === "function",
  signal: (value: unknown) => typeof (value as AbortSignal | null)?.throwIfAborted === "function",
} as const;

const WORDS: Readonly<Record<keyof typeof KINDS, string>> = {
  any: "",
  boolean: "true or false",
  number: "a number",
  integer: "an integer",
  size: "a positive integer",
  count: "an integer, 0 or above",
  string: "a string",
  function: "a function",
  list: "an array",
  tensor: "a tensor",
  device: "a device, such as cpuJs()",
  generator: "a Generator",
  signal: "an AbortSignal",
};

/** What an option may be: a kind of value, or one of some words. Left out or undefined it may always be. */
export type OptionKind = keyof typeof KINDS | "dtype" | readonly string[];

/** The options of `O` with what each may be: all of them, which the compiler checks. */
export type OptionKinds<O> = { readonly [K in keyof O]-?: OptionKind };

/**
 * Throws unless `options` is an object, or undefined, of known options of the right kinds. An unknown name is answered with the nearest
 * known one.
 * @example
 * const OPTIONS: OptionKinds<ReduceOptions> = { axis: "any", keepDims: "boolean" };
 * expectOptions("sum", options, OPTIONS);
 */
export function expectOptions(op: string, options: unknown, kinds: Readonly<Record<string, OptionKind>>): void {
  if (options === undefined) return;
  if (!isPlain(options))
    throw badValue(op, "options", `an object such as { ${Object.keys(kinds).join(", ")} }`, options);
  for (const name in options) {
    const value = options[name];
    const kind = kinds[name];
    // a name of every object's own, such as toString, is known to no table
    if (typeof kind !== "string" && !Array.isArray(kind)) unknownOption(op, name, kinds);
    if (value === undefined || kind === "any") continue;
    if (kind === "dtype") expectDType(op, name, value);
    else if (typeof kind !== "string") expectOneOf(op, name, value, kind as readonly string[]);
    else if (!KINDS[kind](value)) throw badValue(op, name, WORDS[kind], value);
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  if (Object.getPrototypeOf(value) === Object.prototype) return true;
  return !Array.isArray(value) && !ArrayBuffer.isView(value) && !isBranded(value);
}

/** The options of one function out of those of another that calls it. */
export function pickOptions<O extends object>(options: O, kinds: OptionKinds<O>): O {
  const picked: Partial<O> = {};
  for (const name in kinds) if (options[name] !== undefined) picked[name] = options[name];
  return picked as O;
}

function unknownOption(op: string, name: string, kinds: object): never {
  const known = Object.keys(kinds);
  const nearest = nearestName(name, known);
  throw new ValueError({
    op,
    argument: "options",
    expected: known.length > 0 ? `only ${listed(known)}` : "none",
    received: name,
    remedy: nearest ? `Did you mean ${nearest}?` : "Leave it out.",
  });
}
