/** What writes tokens one after the other, and the trees of tensors that it remembers. Read next: `greedy.ts`, `beam.ts`. */
import { forEachTensor, isTensor, NonFiniteError, ShapeError, type Tensor, ValueError, zeros } from "@neurite/core";
import { badValue, describeValue } from "@neurite/core/expect";

/**
 * One step of writing. States, and what is written about, are tensors in arrays and plain objects; axis 0 of every tensor
 * is the rows of the batch, so that a search can pick among them.
 */
export interface Decoder<E, S> {
  /** The state before the first token. */
  start(encoded: E): S;
  /** The state after the tokens int32 [n]. */
  step(tokens: Tensor, state: S, encoded: E): S;
  /** Scores of the token that comes next, [n, tokens]. */
  logits(state: S): Tensor;
}

/** A decoder with what reads its source: int32 [n, source]. */
export interface EncoderDecoder<E = unknown, S = unknown> extends Decoder<E, S> {
  encode(source: Tensor): E;
}

/** `value` with every tensor in its arrays and plain objects replaced. */
export function mapTensors<T>(value: T, fn: (tensor: Tensor) => Tensor): T {
  if (isTensor(value)) return fn(value) as T;
  if (Array.isArray(value)) return value.map((item) => mapTensors(item, fn)) as T;
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapTensors(item, fn)])) as T;
}

/** Throws unless `value` is a decoder. */
export function expectDecoder(op: string, value: unknown): void {
  const { start, step, logits } = Object(value ?? {}) as Partial<Decoder<unknown, unknown>>;
  if (![start, step, logits].every((method) => typeof method === "function")) {
    throw badValue(op, "decoder", "a decoder with start, step and logits", value);
  }
}

/** Frees the tensors of `value` that are not also in `kept`. */
export function release(value: unknown, ...kept: readonly unknown[]): void {
  const living = new Set<Tensor>();
  forEachTensor(kept, (tensor) => void living.add(tensor));
  forEachTensor(value, (tensor) => {
    if (!living.has(tensor)) tensor.dispose("a later step of the search took its place");
  });
}

/** Tensors int32 [n] of the first tokens: one mark for all rows of the state, or a token for each. */
export function firstTokens(op: string, start: number | Tensor, state: unknown): Tensor {
  let like: Tensor | undefined;
  forEachTensor(state, (tensor) => {
    like ??= tensor;
  });
  if (!like) {
    throw new ValueError({ op, argument: "state", expected: "tensors", received: "none", remedy: "See Decoder." });
  }
  const rows = like.shape[0]!;
  if (!isTensor(start) && !Number.isSafeInteger(start)) {
    throw new ValueError({
      op,
      argument: "start",
      expected: "the number of a token, or one for each row",
      received: describeValue(start),
    });
  }
  if (typeof start === "number") return zeros([rows], { dtype: "int32", device: like.device }).add(start);
  if (start.rank !== 1 || start.shape[0] !== rows) {
    throw new ShapeError({ op, argument: "start", expected: `[${rows}]`, received: `[${start.shape.join(", ")}]` });
  }
  return start;
}

/**
 * Throws where scores are not numbers: no token is likelier than another then.
 * @param held tensors to free before, as {@link release} does
 */
export function expectScores(op: string, scores: ArrayLike<number>, ...held: Parameters<typeof release>): void {
  if (!Array.prototype.some.call(scores, Number.isNaN)) return;
  release(...held);
  throw new NonFiniteError({
    op,
    argument: "logits",
    expected: "numbers",
    received: "NaN",
    remedy: "Look for it in the weights, or run the model under checkFinite.",
  });
}
