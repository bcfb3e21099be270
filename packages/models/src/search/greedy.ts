/** The likeliest token at each step. */
import { argMax, stack, type Tensor } from "@neurite/core";
import { expectOptions, expectRecord, expectSize, type OptionKinds } from "@neurite/core/expect";
import { type Decoder, expectDecoder, firstTokens } from "./decoder.js";

export interface GreedyOptions {
  /** The token that stands before the first one: one for all rows, or int32 [n]. */
  readonly start: number | Tensor;
  /** Tokens to write. */
  readonly steps: number;
}

const OPTIONS: OptionKinds<GreedyOptions> = { start: "any", steps: "any" };

/**
 * Feeds the likeliest token back, step by step. Reads nothing back, so it runs on any backend and inside `inference`.
 * @param encoded what `decoder.encode` gave
 * @returns int32 [n, steps]; what follows an end mark means nothing
 * @example
 * const tokens = greedySearch(model, model.encode(source), { start: 1, steps: 20 });
 */
export function greedySearch<E, S>(decoder: Decoder<E, S>, encoded: E, options: GreedyOptions): Tensor {
  expectDecoder("greedySearch", decoder);
  expectRecord("greedySearch", "options", options, "an object with start and steps");
  expectOptions("greedySearch", options, OPTIONS);
  const { start, steps } = options;
  expectSize("greedySearch", "steps", steps);
  let state = decoder.start(encoded);
  let token = firstTokens("greedySearch", start, state);
  const tokens: Tensor[] = [];
  for (let t = 0; t < steps; t++) {
    state = decoder.step(token, state, encoded);
    token = argMax(decoder.logits(state));
    tokens.push(token);
  }
  return stack(tokens, 1);
}
