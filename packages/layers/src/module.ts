/**
 * Modules: objects with parameters and a `forward`. Parameters, buffers and child modules are found by looking at the
 * fields (arrays and plain objects of them too), so a module is an ordinary class.
 */
import {
  Buffer,
  DTypeError,
  formatShape,
  isNeuriteError,
  isParameter,
  isTensor,
  type Parameter,
  ShapeError,
  sameShape,
  type Tensor,
  ValueError,
} from "@neurite/core";
import { describeValue, expectOptions, type OptionKinds } from "@neurite/core/expect";

/** The module whose `forward` an error passed last on its way out. */
const passed = new WeakMap<object, Module>();

/** Stands around each call of a module's `forward`; `run` makes the call. */
export type ForwardObserver = (module: Module, run: () => unknown) => unknown;

let observer: ForwardObserver | null = null;

/** Runs `fn` while `next` observes every module, and only it. */
export function withForwardObserver<T>(next: ForwardObserver, fn: () => T): T {
  const before = observer;
  observer = next;
  try {
    return fn();
  } finally {
    observer = before;
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Calls `visit` with every parameter and module in the fields of `owner`, without entering the modules. */
function forEachField(owner: object, visit: (name: string, value: Parameter | Module) => void, prefix = ""): void {
  for (const [key, value] of Object.entries(owner)) {
    const name = prefix + key;
    if (isParameter(value) || value instanceof Module) visit(name, value);
    else if (Array.isArray(value) || isPlainObject(value)) forEachField(value, visit, `${name}.`);
  }
}

export interface LoadOptions {
  /** Whether names that only one side has are errors, and not skipped. Default true. */
  readonly strict?: boolean;
}

const LOAD: OptionKinds<LoadOptions> = { strict: "boolean" };

export abstract class Module {
  /** Whether dropout drops and batch statistics are taken; see {@link train} and {@link eval}. */
  training = true;

  constructor() {
    // errors thrown inside tell the path of the module they come from
    const { forward } = this;
    const traced = (...args: never[]) => {
      try {
        const run = () => forward.apply(this, args);
        return observer ? observer(this, run) : run();
      } catch (error) {
        const explained = isNeuriteError(error) ? error : misfed(error, args, forward.length);
        if (explained) this.#nameIn(explained);
        throw explained ?? error;
      }
    };
    Object.defineProperty(this, "forward", { value: traced, enumerable: false });
  }

  #nameIn(error: { prependModule(name: string): void }): void {
    const child = passed.get(error);
    forEachField(this, (name, value) => {
      if (value === child) error.prependModule(name);
    });
    passed.set(error, this);
  }

  /** The module's function of its inputs. */
  abstract forward(...args: never[]): unknown;

  /** Trained tensors by path, e.g. `"encoder.weightIhL0"`; one that is shared appears once, under its first path. */
  parameters(): Record<string, Parameter> {
    return this.#collect((value) => !(value instanceof Buffer));
  }

  /** Untrained state by path. */
  buffers(): Record<string, Parameter> {
    return this.#collect((value) => value instanceof Buffer);
  }

  #collect(wanted: (value: Parameter) => boolean): Record<string, Parameter> {
    const found: Record<string, Parameter> = {};
    const seen = new Set<object>();
    const visit = (owner: Module, prefix: string): void =>
      forEachField(owner, (name, value) => {
        if (seen.has(value)) return;
        seen.add(value);
        if (value instanceof Module) visit(value, `${prefix}${name}.`);
        else if (wanted(value)) found[prefix + name] = value;
      });
    visit(this, "");
    return found;
  }

  /** Child modules by field name. */
  children(): Record<string, Module> {
    const found: Record<string, Module> = {};
    forEachField(this, (name, value) => {
      if (value instanceof Module) found[name] = value;
    });
    return found;
  }

  /** Switches this module and all below it to training behaviour. */
  train(training = true): this {
    this.training = training;
    for (const child of Object.values(this.children())) child.train(training);
    return this;
  }

  /** Switches to evaluation behaviour. */
  eval(): this {
    return this.train(false);
  }

  /**
   * Gives back the memory of all parameters and buffers at once; without it that happens some time after the program has
   * dropped the module. What shares them with another module takes them from that one too.
   */
  dispose(): void {
    for (const value of Object.values(this.stateDict())) value.dispose("its module was disposed");
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Parameters and buffers by path: what a checkpoint holds. The tensors are the module's own. */
  stateDict(): Record<string, Parameter> {
    return { ...this.parameters(), ...this.buffers() };
  }

  /**
   * Replaces the values of parameters and buffers. Nothing is replaced when anything does not fit.
   * @throws ValueError for missing or unknown names, ShapeError or DTypeError for values that do not fit
   */
  loadStateDict(values: Readonly<Record<string, Tensor>>, options: LoadOptions = {}): void {
    expectOptions("loadStateDict", options, LOAD);
    const { strict = true } = options;
    if (typeof values !== "object" || values === null) throw notValues("values", values);
    const own = this.stateDict();
    const missing = Object.keys(own).filter((name) => !(name in values));
    const unknown = Object.keys(values).filter((name) => !(name in own));
    if (strict && missing.length + unknown.length > 0) {
      throw new ValueError({
        op: "loadStateDict",
        argument: "values",
        expected: "exactly the module's parameters and buffers",
        received: `missing: ${missing.join(", ") || "none"}; unknown: ${unknown.join(", ") || "none"}`,
        remedy: "Build the module with the options it was saved with, or pass { strict: false }.",
      });
    }
    const shared = Object.entries(own).filter(([name]) => name in values);
    for (const [name, parameter] of shared) expectFits(name, parameter, values[name]!);
    for (const [name, parameter] of shared) parameter.assign(values[name]!);
  }
}

/** Why a `forward` that counts on tensors failed, if its first argument is none: numbers as they are, or nothing. */
function misfed(cause: unknown, [x]: readonly unknown[], parameters: number): ValueError | null {
  if (!(cause instanceof TypeError || cause instanceof RangeError)) return null;
  let leaf = x;
  while (Array.isArray(leaf)) leaf = leaf[0];
  const numbers = typeof leaf === "number" || typeof leaf === "boolean" || ArrayBuffer.isView(leaf);
  if (!numbers && x !== null && !(x === undefined && parameters > 0)) return null;
  const remedy = "Make one of numbers with tensor().";
  const info = { op: "forward", argument: "x", expected: "a tensor", received: describeValue(x), remedy };
  return new ValueError(info, { cause });
}

function notValues(argument: string, received: unknown): ValueError {
  return new ValueError({
    op: "loadStateDict",
    argument,
    expected: argument === "values" ? "tensors by name" : "a tensor",
    received: describeValue(received),
    remedy: "Take them from stateDict() or a file of weights.",
  });
}

function expectFits(name: string, parameter: Parameter, value: Tensor): void {
  if (!isTensor(value)) throw notValues(name, value);
  if (!sameShape(parameter.shape, value.shape)) {
    throw new ShapeError({
      op: "loadStateDict",
      argument: name,
      expected: `shape ${formatShape(parameter.shape)}`,
      received: formatShape(value.shape),
      remedy: "Build the module with the sizes it was saved with.",
    });
  }
  if (parameter.dtype !== value.dtype) {
    throw new DTypeError({
      op: "loadStateDict",
      argument: name,
      expected: parameter.dtype,
      received: value.dtype,
      remedy: `Cast it: cast(value, "${parameter.dtype}").`,
    });
  }
}
