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
  type Saves,
  type Scope,
  scope,
  state,
  type Tensor,
  transpose,
  UnsupportedError,
  withInterceptor,
  zerosLike,
} from "@neurite/core";

// biome-ignore lint/suspicious/noExplicitAny: a tape holds ops of every attribute type
type AnyOp = OpRecord<any>;

/** Takes a handle out of its scope; who calls this disposes it. */
function taken(tensor: Tensor): Tensor {
  tensor.home = null;
  return tensor;
}

/** What is known of one value that depends on the sources. */
class Value {
  /** How many recorded ops read it whose gradients are still to come. */
  uses = 0;
  /** Sum of the gradients that arrived so far; a handle outside of every scope. */
  gradient: Tensor | null = null;
  /** Products that arrived and are not computed yet. */
  #products: OuterProduct[] | null = null;

  /** @param scope that of the vjp which made the gradient */
  add(gradient: Tensor | OuterProduct, scope: Scope | null): void {
    if (!isTensor(gradient)) {
      this.#products ??= [];
      this.#products.push(new OuterProduct(gradient.left.alias(), gradient.right.alias()));
      return;
    }
    const sum = this.gradient;
    if (sum) {
      this.gradient = taken(add(sum, gradient));
      sum.dispose();
    } else {
      // a handle that is another's, such as that of a sum's other operand, is not taken over
      this.gradient = scope !== null && gradient.home === scope ? taken(gradient) : gradient.alias();
    }
  }

  /** Notes that one use has given its gradient. After the last one the products are computed. */
  settle(): void {
    this.uses--;
    const products = this.#products;
    if (this.uses > 0 || products === null) return;
    const first = products[0]!;
    const one = products.length === 1;
    const left = one ? first.left : concat(products.map((product) => product.left));
    const right = one ? first.right : concat(products.map((product) => product.right));
    this.add(matmul(transpose(left), right), state.scope);
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
    if (this.#products === null) return;
    for (const { left, right } of this.#products) {
      left.dispose(reason);
      right.dispose(reason);
    }
    this.#products = null;
  }
}

const NONE: readonly Tensor[] = [];
const NO_SAVES: Saves = {};

interface Node {
  readonly op: AnyOp;
  readonly attrs: unknown;
  /** An alias of its own where the vjp reads the value, else the caller's handle, good for shape and dtype only. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly aux: readonly Tensor[];
  readonly needs: readonly boolean[];
  /** The inputs a gradient is needed for, and the outputs that can have one; null for the others. */
  readonly from: readonly (Value | null)[];
  readonly to: readonly (Value | null)[];
  /** Which of the inputs and outputs are aliases; all hidden results are. */
  readonly saves: Saves;
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
    if (op.differentiable === false) return next(op, inputs, attrs, aux);
    const from: (Value | null)[] = [];
    const needs: boolean[] = [];
    let any = false;
    for (let i = 0; i < inputs.length; i++) {
      const { dtype, key } = inputs[i]!;
      const value = isFloat(dtype) ? (this.#values.get(key) ?? null) : null;
      from.push(value);
      needs.push(value !== null);
      any ||= value !== null;
    }
    if (!any) return next(op, inputs, attrs, aux);
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
    const saves = (typeof op.saves === "function" ? op.saves(attrs, needs) : op.saves) ?? NO_SAVES;
    for (const value of from) if (value !== null) value.uses++;
    const own = count === results.length ? results : results.slice(0, count);
    this.#nodes.push({
      op,
      attrs,
      inputs: noted(inputs, saves.inputs),
      outputs: noted(own, saves.outputs),
      aux: count === results.length ? NONE : noted(results.slice(count), "all"),
      needs,
      from,
      to: own.map(({ dtype, key }) => (isFloat(dtype) ? this.#track(key) : null)),
      saves,
    });
  }

  /**
   * Gradients by the sources of Σ ⟨outputs, seeds⟩, zeros where there is no path. Frees what was recorded; the result belongs
   * to the enclosing scope.
   */
  backward(outputs: readonly Tensor[], seeds: readonly Tensor[]): Tensor[] {
    try {
      for (let i = 0; i < outputs.length; i++) this.#values.get(outputs[i]!.key)?.add(seeds[i]!, null);
      for (let node = this.#nodes.pop(); node; node = this.#nodes.pop()) {
        try {
          runVjp(node);
        } finally {
          release(node, "its gradient was computed");
        }
      }
      return this.#sources.map((source, i) => this.#sourceValues[i]!.take() ?? zerosLike(source));
    } finally {
      this.release();
    }
  }

  /** Frees everything recorded. */
  release(): void {
    for (const node of this.#nodes) release(node, "its recording was dropped");
    this.#nodes.length = 0;
    this.#values.forEach(drop);
    this.#values.clear();
  }
}

const hasGradient = (value: Value | null): boolean => value !== null && value.gradient !== null;
const drop = (value: Value | null): void => value?.drop();

function runVjp({ op, attrs, inputs, outputs, aux, needs, from, to }: Node): void {
  scope(() => {
    if (to.some(hasGradient)) {
      const dy = outputs.map((output, i) => to[i]?.gradient ?? zerosLike(output));
      const results = op.vjp!({ attrs, inputs, outputs, aux, dy, needs });
      for (let i = 0; i < from.length; i++) if (results[i]) from[i]?.add(results[i]!, state.scope);
      to.forEach(drop);
    }
    for (const value of from) value?.settle();
  }, op.name);
}

type Positions = Saves["inputs"];

/** The tensors, each whose value the vjp reads as an alias of its own. */
function noted(tensors: readonly Tensor[], positions: Positions): readonly Tensor[] {
  return tensors.map((tensor, i) => (names(positions, i) ? tensor.alias() : tensor));
}

/** Frees a node's aliases. */
function release({ inputs, outputs, aux, saves }: Node, reason: string): void {
  disposeNamed(inputs, saves.inputs, reason);
  disposeNamed(outputs, saves.outputs, reason);
  disposeNamed(aux, "all", reason);
}

function disposeNamed(tensors: readonly Tensor[], positions: Positions, reason: string): void {
  for (let i = 0; i < tensors.length; i++) if (names(positions, i)) tensors[i]!.dispose(reason);
}

function names(positions: Positions, position: number): boolean {
  return positions === "all" || (positions?.includes(position) ?? false);
}
