// What wrong arguments do: a valid call of a function is taken apart, and each place in it is given what does not belong
// there. The answer must be an error of the library or a result, never an error of the engine.
import { isNeuriteError, type Tensor, tensor } from "@neurite/core";

/** A valid call. Numbers and objects that mean more than they look are marked by the functions below. */
export interface Call {
  readonly run: (...args: never[]) => unknown;
  /** Made anew for each call. */
  readonly args: () => readonly unknown[];
}

/** Calls by name; a part behind a space tells several of one function apart. */
export type Calls = Readonly<Record<string, Call>>;

/** A number that must be an integer. */
class Whole {
  constructor(
    readonly value: number,
    readonly negative: boolean,
  ) {}
}

/** An integer of either sign. */
export const whole = (value: number): number => new Whole(value, true) as unknown as number;
/** An integer that is never negative. */
export const count = (value: number): number => new Whole(value, false) as unknown as number;

const marked = new WeakSet<object>();
/** An object whose names are known. */
export function options<O extends object>(value: O): O {
  marked.add(value);
  return value;
}

type Path = readonly (string | number)[];

/** Places in the arguments: the arguments, and the entries of arrays and plain objects among them. */
function placesIn(value: unknown, path: Path = []): { readonly path: Path; readonly value: unknown }[] {
  const inner = isPlain(value) ? Object.entries(value).flatMap(([key, entry]) => placesIn(entry, [...path, key])) : [];
  return path.length > 0 ? [{ path, value }, ...inner] : inner;
}

function isPlain(value: unknown): value is object {
  if (Array.isArray(value)) return true;
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The arguments without marks, with another value at one place. */
function built(value: unknown, path: Path | null, other: unknown): unknown {
  if (path?.length === 0) return other;
  if (value instanceof Whole) return value.value;
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(([key, entry]) => [
    key,
    built(entry, path !== null && String(path[0]) === key ? path.slice(1) : null, other),
  ]);
  if (Array.isArray(value)) return entries.map(([, entry]) => entry);
  return Object.fromEntries(entries);
}

/** What belongs to no place, or to few. */
const WRONG: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  NaN: () => Number.NaN,
  "-1.5": () => -1.5,
  true: () => true,
  text: () => "length",
  symbol: () => Symbol("s"),
  bigint: () => 3n,
  "empty array": () => [],
  numbers: () => [1, 2],
  text_list: () => ["length"],
  nulls: () => [null],
  object: () => ({ lr: 1 }),
  "object without a prototype": () => Object.create(null),
  tensor: () => tensor([1, 2]),
  "typed array": () => new Float32Array(3),
  function: () => () => 1,
  date: () => new Date(0),
};

const NO_INTEGERS: Readonly<Record<string, unknown>> = {
  NaN: Number.NaN,
  "1.5": 1.5,
  text: "3",
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  "2^53": 2 ** 53,
};

async function outcome(run: Call["run"], args: readonly unknown[]): Promise<unknown> {
  try {
    let result: unknown = run(...(args as never[]));
    if (typeof (result as { next?: unknown } | null)?.next === "function")
      result = (result as Iterator<unknown>).next();
    await result;
    return null;
  } catch (error) {
    return error;
  }
}

const show = (path: Path): string => path.join(".");

/** Whether the arguments as they are give a result. */
export async function validity(name: string, { run, args }: Call): Promise<string[]> {
  const error = await outcome(run, built(args(), null, null) as unknown[]);
  return error === null ? [] : [`${name}: ${String((error as Error).message ?? error)}`];
}

/** Wrong kinds of values that are answered with an error of the engine. */
export async function unexplained(name: string, { run, args }: Call): Promise<string[]> {
  const found: string[] = [];
  for (const { path } of placesIn(args())) {
    for (const [kind, make] of Object.entries(WRONG)) {
      const error = await outcome(run, built(args(), path, make()) as unknown[]);
      if (error !== null && !isNeuriteError(error)) {
        const { stack = "" } = error as Error;
        const at = stack.split("\n").find((line) => /\/src\//.test(line)) ?? "";
        found.push(`${name}(${show(path)} = ${kind}): ${String(error)}${at.replace(/.*\/(packages\/)/, " at ")}`);
      }
    }
  }
  return found;
}

/** Numbers that are no integers, or negative, and are accepted where a sensible integer belongs. */
export async function acceptedNumbers(name: string, { run, args }: Call): Promise<string[]> {
  const found: string[] = [];
  for (const { path, value } of placesIn(args())) {
    if (!(value instanceof Whole)) continue;
    for (const [kind, bad] of Object.entries(value.negative ? NO_INTEGERS : { ...NO_INTEGERS, "-1": -1 })) {
      const error = await outcome(run, built(args(), path, bad) as unknown[]);
      if (!isNeuriteError(error)) found.push(`${name}(${show(path)} = ${kind}): ${String(error)}`);
    }
  }
  return found;
}

/** Objects of options that take a name which does not exist. */
export async function acceptedNames(name: string, { run, args }: Call): Promise<string[]> {
  const found: string[] = [];
  for (const { path, value } of placesIn(args())) {
    if (typeof value !== "object" || value === null || !marked.has(value)) continue;
    const wrong = { ...(built(value, null, null) as object), notAnOption: 1 };
    const error = await outcome(run, built(args(), path, wrong) as unknown[]);
    if (!isNeuriteError(error) || !error.message.includes("notAnOption")) {
      found.push(`${name}(${show(path)}.notAnOption): ${String(error)}`);
    }
  }
  return found;
}

/** A tensor of small numbers. */
export function some(shape: readonly number[], dtype: "float32" | "int32" | "bool" = "float32"): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Array.from({ length: size }, (_, i) => (dtype === "bool" ? i % 2 : (i % 3) + 1)),
    { shape, dtype },
  );
}
