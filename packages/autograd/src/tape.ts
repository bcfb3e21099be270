/**
 * The tape: records ops while a function runs, then walks back over them with their vector-Jacobian products.
 * It is an interceptor of core's dispatch, so nested tapes give gradients of gradients: a tape's backward pass runs below
 * it and is recorded by the tapes outside of it.
 */
import {
  add,
  type Interceptor,
  isFloat,
  type Next,
  type OpRecord,
  scope,
  type Tensor,
  UnsupportedError,
  withInterceptor,
  zerosLike,
} from "@neurite/core";

// biome-ignore lint/suspicious/noExplicitAny: a tape holds ops of every attribute type
type AnyOp = OpRecord<any>;

interface Node {
  readonly op: AnyOp;
  readonly attrs: unknown;
  /** An alias of its own where the vjp reads the value, else the caller's handle, good for shape and dtype only. */
  readonly inputs: readonly Tensor[];
  /** Identities of the inputs when they were used: a parameter changes its own when it is assigned. */
  readonly keys: readonly number[];
  readonly outputs: readonly Tensor[];
  readonly aux: readonly Tensor[];
  readonly needs: readonly boolean[];
  /** The aliases among the above, released when the vjp has run. */
  readonly saved: readonly Tensor[];
}

/** One recording. */
export class Tape implements Interceptor {
  readonly #sources: readonly Tensor[];
  /** Identities of the sources at the start: a parameter may be assigned while the function runs. */
  readonly #sourceKeys: readonly number[];
  readonly #tracked: Set<number>;
  readonly #nodes: Node[] = [];

  /** @param sources tensors whose gradients will be asked for */
  constructor(sources: readonly Tensor[]) {
    this.#sources = sources;
    this.#sourceKeys = sources.map((source) => source.key);
    this.#tracked = new Set(this.#sourceKeys);
  }

  /** Whether a value depends on the sources. */
  tracks(tensor: Tensor): boolean {
    return this.#tracked.has(tensor.key);
  }

  intercept(op: AnyOp, inputs: readonly Tensor[], attrs: unknown, aux: boolean, next: Next): Tensor[] {
    const needs = inputs.map((input) => isFloat(input.dtype) && this.#tracked.has(input.key));
    if (op.differentiable === false || !needs.includes(true)) return next(op, inputs, attrs, aux);
    // A tape inside this one asked for hidden results: they are values this tape must know the gradient of.
    const asksForHidden = aux && op.aux !== undefined;
    if (!op.vjp || asksForHidden) return this.#recordComposition(op, inputs, attrs, aux);
    const results = next(op, inputs, attrs, true);
    this.#record(op, inputs, attrs, needs, results);
    return results;
  }

  #recordComposition(op: AnyOp, inputs: readonly Tensor[], attrs: unknown, aux: boolean): Tensor[] {
    if (!op.compose) {
      throw new UnsupportedError({
        op: op.name,
        argument: "gradient",
        expected: "an op with a vjp or a composition",
        received: "neither",
        remedy: "Give the op a `vjp`, or wrap its input in stopGradient().",
      });
    }
    op.infer(inputs, attrs, aux);
    return withInterceptor(this, () => [...op.compose!(inputs, attrs, aux)]);
  }

  #record(
    op: AnyOp,
    inputs: readonly Tensor[],
    attrs: unknown,
    needs: readonly boolean[],
    results: readonly Tensor[],
  ): void {
    const count = results.length - (op.aux ?? 0);
    const saves = typeof op.saves === "function" ? op.saves(attrs, needs) : op.saves;
    const saved: Tensor[] = [];
    const save = (tensor: Tensor, wanted: boolean) => {
      if (!wanted) return tensor;
      const alias = tensor.alias();
      saved.push(alias);
      return alias;
    };
    for (let i = 0; i < results.length; i++) if (isFloat(results[i]!.dtype)) this.#tracked.add(results[i]!.key);
    this.#nodes.push({
      op,
      attrs,
      inputs: inputs.map((input, i) => save(input, names(saves?.inputs, i))),
      keys: inputs.map((input) => input.key),
      outputs: results.slice(0, count).map((output, i) => save(output, names(saves?.outputs, i))),
      aux: results.slice(count).map((result) => save(result, true)),
      needs,
      saved,
    });
  }

  /**
   * Gradients by the sources of Σ ⟨outputs, seeds⟩, zeros where there is no path. Frees what was recorded; the result belongs
   * to the enclosing scope.
   */
  backward(outputs: readonly Tensor[], seeds: readonly Tensor[]): Tensor[] {
    const gradients = new Gradients();
    try {
      outputs.forEach((output, i) => {
        if (this.tracks(output)) gradients.add(output.key, seeds[i]!);
      });
      for (let node = this.#nodes.pop(); node; node = this.#nodes.pop()) {
        try {
          runVjp(node, gradients);
        } finally {
          for (const alias of node.saved) alias.dispose("its gradient was computed");
        }
      }
      return this.#sources.map((source, i) => gradients.take(this.#sourceKeys[i]!) ?? zerosLike(source));
    } finally {
      gradients.dispose();
      this.release();
    }
  }

  /** Frees everything recorded. */
  release(): void {
    for (const node of this.#nodes) for (const alias of node.saved) alias.dispose("its recording was dropped");
    this.#nodes.length = 0;
  }
}

function names(positions: readonly number[] | "all" | undefined, position: number): boolean {
  return positions === "all" || (positions?.includes(position) ?? false);
}

function runVjp(node: Node, gradients: Gradients): void {
  const { op, attrs, inputs, keys, outputs, aux, needs } = node;
  const arrived = outputs.map((output) => gradients.peek(output.key));
  if (!arrived.some((dy) => dy !== null)) return;
  scope(() => {
    const dy = arrived.map((gradient, i) => gradient ?? zerosLike(outputs[i]!));
    const results = op.vjp!({ attrs, inputs, outputs, aux, dy, needs });
    keys.forEach((key, i) => {
      if (needs[i] && results[i]) gradients.add(key, results[i]);
    });
    for (const output of outputs) gradients.drop(output.key);
  }, `${op.name} gradient`);
}

/** Sums of the gradients that arrived so far, by the value they belong to. */
class Gradients {
  readonly #sums = new Map<number, Tensor>();

  peek(key: number): Tensor | null {
    return this.#sums.get(key) ?? null;
  }

  add(key: number, gradient: Tensor): void {
    const sum = this.#sums.get(key);
    if (!sum) {
      // the handle may be shared, e.g. between both operands of a sum
      this.#sums.set(key, gradient.alias());
      return;
    }
    this.#sums.set(key, add(sum, gradient).keep());
    sum.dispose();
  }

  drop(key: number): void {
    this.#sums.get(key)?.dispose();
    this.#sums.delete(key);
  }

  /** The sum as a new handle in the current scope. */
  take(key: number): Tensor | null {
    const sum = this.#sums.get(key);
    return sum ? rehome(sum) : null;
  }

  dispose(): void {
    for (const sum of this.#sums.values()) sum.dispose();
    this.#sums.clear();
  }
}

/** A handle in the current scope to the value of a handle outside of every scope. */
function rehome(tensor: Tensor): Tensor {
  return tensor.alias().enterScope();
}
