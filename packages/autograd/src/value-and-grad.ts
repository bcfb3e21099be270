/** Values with gradients, for training. */
import {
  DTypeError,
  expectSynchronous,
  formatShape,
  type HasParameters,
  isFloat,
  isTensor,
  namedTensors,
  onesLike,
  openModule,
  ShapeError,
  scope,
  type Tensor,
  ValueError,
  withInterceptor,
} from "@neurite/core";
import { describeValue, expectFunction, expectInteger } from "@neurite/core/expect";
import { Lease } from "./lease.js";
import { Tape } from "./tape.js";

/** The same structure with a gradient for each tensor, and the names of its parameters for a module. */
export type Gradients<T> = T extends Tensor
  ? Tensor
  : T extends HasParameters
    ? Record<string, Tensor>
    : { -readonly [K in keyof T]: Gradients<T[K]> };

/** What a differentiated function returns: the scalar, or the scalar together with anything else worth keeping. */
export type Returned<X> = Tensor | { readonly value: Tensor; readonly aux: X };

export interface ValueAndGrad<T, X> {
  /** The function's scalar value. */
  readonly value: Tensor;
  /** What the function returned beside it. */
  readonly aux: X;
  /** d value / d parameter, in the structure of the parameters. */
  readonly grads: Gradients<T>;
}

/** All tensors of a tree, in order. */
function leaves(tree: unknown, found: Tensor[] = []): Tensor[] {
  if (isTensor(tree)) found.push(tree);
  else for (const item of Object.values(openModule(tree) as object)) leaves(item, found);
  return found;
}

function rebuild<T>(tree: T, next: () => Tensor): Gradients<T> {
  if (isTensor(tree)) return next() as Gradients<T>;
  const open = openModule(tree) as object;
  if (Array.isArray(open)) return open.map((item) => rebuild(item as unknown, next)) as unknown as Gradients<T>;
  return Object.fromEntries(Object.entries(open).map(([name, item]) => [name, rebuild(item, next)])) as Gradients<T>;
}

/** Throws unless `value` is a floating-point scalar that a gradient can start from. */
function expectScalar(op: string, value: unknown): asserts value is Tensor {
  if (!isTensor(value) || value.size !== 1) {
    throw new ShapeError({
      op,
      argument: "the function's value",
      expected: "a tensor with one element",
      received: isTensor(value) ? formatShape(value.shape) : describeValue(value),
      remedy: "Reduce the loss with mean() or sum().",
    });
  }
  if (!isFloat(value.dtype)) {
    throw new DTypeError({
      op,
      argument: "the function's value",
      expected: "float32 or float64",
      received: value.dtype,
    });
  }
}

/** Runs `forward` under a tape, with everything but its result and the saved values freed on return. */
export function record<R>(op: string, sources: readonly Tensor[], forward: () => R): { tape: Tape; result: R } {
  for (const source of sources) {
    source.expectLive(op);
    if (!isFloat(source.dtype)) {
      throw new DTypeError({
        op,
        argument: "parameters",
        expected: "float32 or float64",
        received: source.dtype,
        remedy: "Only floating-point tensors have gradients.",
      });
    }
  }
  const tape = new Tape(sources);
  try {
    const result = scope(() => {
      const returned = withInterceptor(tape, forward);
      expectSynchronous(op, returned);
      return returned as never;
    }, op) as R;
    return { tape, result };
  } catch (error) {
    tape.release();
    throw error;
  }
}

/**
 * Makes a function that returns `fn`'s value and its gradient by `parameters`.
 *
 * Everything `fn` makes is freed, except value, aux and gradients. Value and aux live until the made function is called
 * again (or the enclosing scope ends); the gradients until `optimizer.step(grads)` takes them.
 *
 * @param fn synchronous; returns a scalar tensor, or `{ value, aux }`
 * @param parameters a tensor or a module, or arrays and plain objects of these
 * @throws ShapeError unless the value is a scalar, ValueError when it does not depend on any parameter, and for a parameter given
 * twice
 * @example
 * const step = valueAndGrad((x, y) => crossEntropy(model.forward(x), y), model.parameters());
 * const { value, grads } = step(x, y);
 * optimizer.step(grads);
 */
export function valueAndGrad<A extends readonly unknown[], T, X = undefined>(
  fn: (...args: A) => Returned<X>,
  parameters: T,
): (...args: A) => ValueAndGrad<T, X> {
  const op = "valueAndGrad";
  expectFunction(op, "fn", fn);
  namedTensors(op, "parameters", parameters);
  const lease = new Lease(`the function made by ${op}`);
  return (...args) => {
    lease.end();
    return scope(() => {
      const sources = leaves(parameters);
      const { tape, result } = record(op, sources, () => fn(...args));
      try {
        const { value, aux } = isTensor(result) || !isRecord(result) ? { value: result, aux: undefined as X } : result;
        expectScalar(op, value);
        if (!tape.tracks(value)) throw unconnected();
        const gradients = tape.backward([value], [onesLike(value)]);
        const grads = rebuild(parameters, () => gradients.shift()!);
        lease.give([value, aux]);
        return { value, aux, grads } as never;
      } finally {
        tape.release();
      }
    }, op);
  };
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function unconnected(): ValueError {
  return new ValueError({
    op: "valueAndGrad",
    argument: "the function's value",
    expected: "a value computed from the parameters",
    received: "one that does not depend on any of them",
    remedy: "Check that the function uses these parameters, outside of noGrad() and stopGradient().",
  });
}

/**
 * The gradient of a scalar function by its argument number `argument` (default the first), as a function of the same
 * arguments. Nest it for higher orders; zeros where the value does not depend on the argument.
 *
 * @example
 * const cube = (x: Tensor) => sum(pow(x, 3));
 * grad(cube)(x);                                   // 3x²
 * grad((y: Tensor) => sum(grad(cube)(y)))(x);      // 6x
 */
export function grad<A extends readonly Tensor[]>(fn: (...args: A) => Tensor, argument = 0): (...args: A) => Tensor {
  const op = "grad";
  expectFunction(op, "fn", fn);
  expectInteger(op, "argument", argument, 0);
  return (...args) => {
    const source = args[argument];
    if (!isTensor(source)) {
      throw new ValueError({
        op,
        argument: `argument ${argument}`,
        expected: "a tensor",
        received: typeof source,
        remedy: "Name the position of the argument to differentiate by.",
      });
    }
    return scope(() => {
      const { tape, result } = record(op, [source], () => fn(...args));
      try {
        expectScalar(op, result);
        return tape.backward([result], [onesLike(result)])[0]! as never;
      } finally {
        tape.release();
      }
    }, op);
  };
}
