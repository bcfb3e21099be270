/**
 * Scopes free what was made inside them. They are strictly synchronous. Users rarely write one: `valueAndGrad`,
 * `noGrad`, `inference` and a loader's batches are scopes.
 */
import { freeWhenDropped } from "./dropped.js";
import { ValueError } from "./errors.js";
import { expectFunction } from "./expect.js";
import { state } from "./state.js";
import { isTensor, type Tensor } from "./tensor.js";

/**
 * Runs an op that is a sequence of others. Outside every scope it frees what lies between; inside one, the scope will.
 */
export function composite<T extends Tensor | readonly Tensor[]>(op: string, fn: () => T): T {
  return state.scope === null ? (scope(fn as () => never, op) as T) : fn();
}

/** The tensors made since a scope was entered. */
export class Scope {
  readonly tensors: Tensor[] = [];
  constructor(readonly parent: Scope | null) {}
}

/** Enters every tensor found in `value` (arrays, maps and plain objects are searched) into `visit`. */
export function forEachTensor(value: unknown, visit: (tensor: Tensor) => void): void {
  if (isTensor(value)) visit(value);
  else if (Array.isArray(value)) for (const item of value) forEachTensor(item, visit);
  else if (value instanceof Map) for (const item of value.values()) forEachTensor(item, visit);
  else if (isPlainObject(value)) for (const key in value) forEachTensor(value[key], visit);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Throws when `fn` gave a Promise: its tensors would be freed before it continues. */
export function expectSynchronous(op: string, result: unknown): void {
  if (typeof (result as PromiseLike<unknown> | null)?.then === "function") {
    // the rejection of a promise nobody will await must not end the process on top of this error
    (result as PromiseLike<unknown>).then(undefined, () => {});
    throw new ValueError({
      op,
      argument: "fn",
      expected: "a synchronous function",
      received: "one that returned a Promise",
      remedy: "Read results after the scope: await tensor.data() outside of it.",
    });
  }
}

const reasons = /* @__PURE__ */ new Map<string, string>();

/** Why a tensor is gone that was made inside `op`; made once, since every scope needs it. */
function reasonOf(op: string): string {
  let reason = reasons.get(op);
  if (reason === undefined) {
    reason = `it was made inside ${op}(), which freed it on return`;
    reasons.set(op, reason);
  }
  return reason;
}

/**
 * Runs `fn` and frees every tensor made inside except those in its result (searched through arrays, maps and plain
 * objects) and those kept with `keep()`. The result belongs to the enclosing scope, or to the caller when there is none.
 *
 * @throws ValueError when `fn` returns a Promise
 * @example
 * const norm = scope(() => sqrt(sum(square(x))));   // the two tensors in between are gone
 */
export function scope<T>(fn: () => T extends PromiseLike<unknown> ? never : T, op = "scope"): T {
  expectFunction(op, "fn", fn);
  const parent = state.scope;
  const current = new Scope(parent);
  state.scope = current;
  try {
    const result = fn() as T;
    expectSynchronous(op, result);
    forEachTensor(result, (tensor) => {
      if (tensor.home !== current) return;
      tensor.home = parent;
      if (parent !== null) parent.tensors.push(tensor);
      else freeWhenDropped(tensor);
    });
    return result;
  } finally {
    state.scope = parent;
    if (current.tensors.length > 0) {
      const reason = reasonOf(op);
      for (const tensor of current.tensors) if (tensor.home === current) tensor.dispose(reason);
    }
  }
}
