/**
 * The tape: records ops while a function runs, then walks back over them with their vector-Jacobian products.
 * It is an interceptor of core's dispatch, so nested tapes give gradients of gradients: a tape's backward pass runs below
 * it and is recorded by the tapes outside of it.
 */
import {
  add,
  concat,
  type Interceptor,
  isFloat,
  isTensor,
  matmul,
  type Next,
  type OpRecord,
  OuterProduct,
  scope,
  type Tensor,
  transpose,
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
  readonly inputs: Tensor[];
  /** Identities of the inputs when they were used: a parameter changes its own when it is assigned. */
  readonly keys: number[];
  readonly outputs: Tensor[];
  readonly aux: Tensor[];
  readonly needs: readonly boolean[];
  /** The aliases among the above, released when the vjp has run. */
  readonly saved: Tensor[];
}

/** One recording. */
export class Tape implements Interceptor {
  readonly #sources: readonly Tensor[];
  /** Identities of the sources at the start: a parameter may be assigned while the function runs. */
  readonly #sourceKeys: readonly number[];
  readonly #tracked: Set<number>;
  readonly #nodes: Node[] = [];
  /** How many nodes read a value that depends on the sources. */
  readonly #uses = new Map<number, number>();

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
    const needs: boolean[] = [];
    let any = false;
    for (let i = 0; i < inputs.length; i++) {
      const { dtype, key } = inputs[i]!;
      const need = isFloat(dtype) && this.#tracked.has(key);
      needs.push(need);
      any ||= need;
    }
    if (!any || op.differentiable === false) return next(op, inputs, attrs, aux);
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
    const node: Node = { op, attrs, inputs: [], keys: [], outputs: [], aux: [], needs, saved: [] };
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i]!;
      node.keys.push(input.key);
      if (needs[i]) this.#uses.set(input.key, (this.#uses.get(input.key) ?? 0) + 1);
      note(node, node.inputs, input, names(saves?.inputs, i));
    }
    for (let i = 0; i < results.length; i++) {
      const result = results[i]!;
      if (isFloat(result.dtype)) this.#tracked.add(result.key);
      if (i < count) note(node, node.outputs, result, names(saves?.outputs, i));
      else note(node, node.aux, result, true);
    }
    this.#nodes.push(node);
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
          this.#runVjp(node, gradients);
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

  #runVjp({ op, attrs, inputs, keys, outputs, aux, needs }: Node, gradients: Gradients): void {
    scope(() => {
      if (outputs.some((output) => gradients.peek(output.key) !== null)) {
        const dy = outputs.map((output) => gradients.peek(output.key) ?? zerosLike(output));
        const results = op.vjp!({ attrs, inputs, outputs, aux, dy, needs });
        for (let i = 0; i < keys.length; i++) if (needs[i] && results[i]) gradients.add(keys[i]!, results[i]!);
        for (const output of outputs) gradients.drop(output.key);
      }
      for (let i = 0; i < keys.length; i++) {
        if (!needs[i]) continue;
        const left = this.#uses.get(keys[i]!)! - 1;
        this.#uses.set(keys[i]!, left);
        if (left === 0) gradients.settle(keys[i]!);
      }
    }, op.name);
  }

  /** Frees everything recorded. */
  release(): void {
    for (const node of this.#nodes) for (const alias of node.saved) alias.dispose("its recording was dropped");
    this.#nodes.length = 0;
  }
}

/** Enters a tensor into one of a node's lists: as an alias where its vjp reads the value. */
function note(node: Node, list: Tensor[], tensor: Tensor, saved: boolean): void {
  if (!saved) {
    list.push(tensor);
    return;
  }
  const alias = tensor.alias();
  list.push(alias);
  node.saved.push(alias);
}

function names(positions: readonly number[] | "all" | undefined, position: number): boolean {
  return positions === "all" || (positions?.includes(position) ?? false);
}

/** Sums of the gradients that arrived so far, by the value they belong to. */
class Gradients {
  readonly #sums = new Map<number, Tensor>();
  readonly #products = new Map<number, OuterProduct[]>();

  peek(key: number): Tensor | null {
    return this.#sums.get(key) ?? null;
  }

  add(key: number, gradient: Tensor | OuterProduct): void {
    if (!isTensor(gradient)) {
      const product = new OuterProduct(gradient.left.alias(), gradient.right.alias());
      const others = this.#products.get(key);
      if (others) others.push(product);
      else this.#products.set(key, [product]);
      return;
    }
    const sum = this.#sums.get(key);
    if (!sum) {
      // the handle may be shared, e.g. between both operands of a sum
      this.#sums.set(key, gradient.alias());
      return;
    }
    this.#sums.set(key, add(sum, gradient).keep());
    sum.dispose();
  }

  /** Computes the products that arrived, when no more will. */
  settle(key: number): void {
    const products = this.#products.get(key);
    if (!products) return;
    const left = concat(products.map((product) => product.left));
    const right = concat(products.map((product) => product.right));
    this.add(key, matmul(transpose(left), right));
    this.#products.delete(key);
    release(products);
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
    for (const products of this.#products.values()) release(products);
    this.#sums.clear();
    this.#products.clear();
  }
}

function release(products: readonly OuterProduct[]): void {
  for (const { left, right } of products) {
    left.dispose("its product was computed");
    right.dispose("its product was computed");
  }
}

/** A handle in the current scope to the value of a handle outside of every scope. */
function rehome(tensor: Tensor): Tensor {
  return tensor.alias().enterScope();
}
