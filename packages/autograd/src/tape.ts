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

/** What is known of one value that depends on the sources. */
class Value {
  /** How many recorded ops read it whose gradients are still to come. */
  uses = 0;
  /** Sum of the gradients that arrived so far; a handle outside of every scope. */
  gradient: Tensor | null = null;
  /** Products that arrived and are not computed yet. */
  #products: OuterProduct[] = [];

  add(gradient: Tensor | OuterProduct): void {
    if (!isTensor(gradient)) {
      this.#products.push(new OuterProduct(gradient.left.alias(), gradient.right.alias()));
      return;
    }
    const sum = this.gradient;
    // the handle may be shared, e.g. between both operands of a sum
    this.gradient = sum ? add(sum, gradient).keep() : gradient.alias();
    sum?.dispose();
  }

  /** Notes that one use has given its gradient. After the last one the products are computed. */
  settle(): void {
    this.uses--;
    const products = this.#products;
    if (this.uses > 0 || products.length === 0) return;
    const [first] = products as [OuterProduct];
    const one = products.length === 1;
    const left = one ? first.left : concat(products.map((product) => product.left));
    const right = one ? first.right : concat(products.map((product) => product.right));
    this.add(matmul(transpose(left), right));
    this.#release("its product was computed");
  }

  /** The gradient as a new handle in the current scope. */
  take(): Tensor | null {
    return this.gradient ? this.gradient.alias().enterScope() : null;
  }

  drop(): void {
    this.gradient?.dispose();
    this.gradient = null;
    this.#release("its recording was dropped");
  }

  #release(reason: string): void {
    for (const { left, right } of this.#products) {
      left.dispose(reason);
      right.dispose(reason);
    }
    this.#products = [];
  }
}

interface Node {
  readonly op: AnyOp;
  readonly attrs: unknown;
  /** An alias of its own where the vjp reads the value, else the caller's handle, good for shape and dtype only. */
  readonly inputs: Tensor[];
  readonly outputs: Tensor[];
  readonly aux: Tensor[];
  readonly needs: readonly boolean[];
  /** The inputs a gradient is needed for, and the outputs that can have one; null for the others. */
  readonly from: readonly (Value | null)[];
  readonly to: (Value | null)[];
  /** The aliases among the above, released when the vjp has run. */
  readonly saved: Tensor[];
}

/** One recording. */
export class Tape implements Interceptor {
  readonly #sources: readonly Tensor[];
  /** Values of the sources at the start: a parameter may be assigned while the function runs. */
  readonly #sourceValues: readonly Value[];
  /** By the tensors' keys. */
  readonly #values = new Map<number, Value>();
  readonly #nodes: Node[] = [];

  /** @param sources tensors whose gradients will be asked for */
  constructor(sources: readonly Tensor[]) {
    this.#sources = sources;
    this.#sourceValues = sources.map(({ key }) => this.#values.get(key) ?? this.#track(key));
  }

  #track(key: number): Value {
    const value = new Value();
    this.#values.set(key, value);
    return value;
  }

  /** Whether a value depends on the sources. */
  tracks(tensor: Tensor): boolean {
    return this.#values.has(tensor.key);
  }

  intercept(op: AnyOp, inputs: readonly Tensor[], attrs: unknown, aux: boolean, next: Next): Tensor[] {
    const needs: boolean[] = [];
    const from: (Value | null)[] = [];
    let any = false;
    for (let i = 0; i < inputs.length; i++) {
      const { dtype, key } = inputs[i]!;
      const value = isFloat(dtype) ? (this.#values.get(key) ?? null) : null;
      from.push(value);
      needs.push(value !== null);
      any ||= value !== null;
    }
    if (!any || op.differentiable === false) return next(op, inputs, attrs, aux);
    // A tape inside this one asked for hidden results: they are values this tape must know the gradient of.
    const asksForHidden = aux && op.aux !== undefined;
    if (!op.vjp || asksForHidden) return this.#recordComposition(op, inputs, attrs, aux);
    const results = next(op, inputs, attrs, true);
    this.#record(op, inputs, attrs, { needs, from }, results);
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
    { needs, from }: Pick<Node, "needs" | "from">,
    results: readonly Tensor[],
  ): void {
    const count = results.length - (op.aux ?? 0);
    const saves = typeof op.saves === "function" ? op.saves(attrs, needs) : op.saves;
    const node: Node = { op, attrs, inputs: [], outputs: [], aux: [], needs, from, to: [], saved: [] };
    for (let i = 0; i < inputs.length; i++) {
      const value = from[i];
      if (value) value.uses++;
      note(node, node.inputs, inputs[i]!, names(saves?.inputs, i));
    }
    for (let i = 0; i < results.length; i++) {
      const result = results[i]!;
      const value = isFloat(result.dtype) ? this.#track(result.key) : null;
      if (i < count) {
        node.to.push(value);
        note(node, node.outputs, result, names(saves?.outputs, i));
      } else note(node, node.aux, result, true);
    }
    this.#nodes.push(node);
  }

  /**
   * Gradients by the sources of Σ ⟨outputs, seeds⟩, zeros where there is no path. Frees what was recorded; the result belongs
   * to the enclosing scope.
   */
  backward(outputs: readonly Tensor[], seeds: readonly Tensor[]): Tensor[] {
    try {
      for (const [i, output] of outputs.entries()) this.#values.get(output.key)?.add(seeds[i]!);
      for (let node = this.#nodes.pop(); node; node = this.#nodes.pop()) {
        try {
          runVjp(node);
        } finally {
          for (const alias of node.saved) alias.dispose("its gradient was computed");
        }
      }
      return this.#sources.map((source, i) => this.#sourceValues[i]!.take() ?? zerosLike(source));
    } finally {
      this.release();
    }
  }

  /** Frees everything recorded. */
  release(): void {
    for (const node of this.#nodes) for (const alias of node.saved) alias.dispose("its recording was dropped");
    this.#nodes.length = 0;
    for (const value of this.#values.values()) value.drop();
    this.#values.clear();
  }
}

function runVjp({ op, attrs, inputs, outputs, aux, needs, from, to }: Node): void {
  scope(() => {
    if (to.some((value) => value?.gradient)) {
      const dy = outputs.map((output, i) => to[i]?.gradient ?? zerosLike(output));
      const results = op.vjp!({ attrs, inputs, outputs, aux, dy, needs });
      for (let i = 0; i < from.length; i++) if (results[i]) from[i]?.add(results[i]!);
      for (const value of to) value?.drop();
    }
    for (const value of from) value?.settle();
  }, op.name);
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
