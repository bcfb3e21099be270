/** Tokens drawn at random, as likely as the model says. */
import { breathe, defaultGenerator, type Generator, scope, slice, type Tensor, tensor } from "@neurite/core";
import { expectFinite, expectOptions, expectRecord, expectSize, type OptionKinds } from "@neurite/core/expect";
import { expectTokens } from "../tokens.js";
import { type Decoder, type EncoderDecoder, expectDecoder, expectScores, firstTokens, release } from "./decoder.js";

export interface SampleOptions {
  /** The token that stands before the first one: one for all rows, or int32 [n]. */
  readonly start: number | Tensor;
  /** Tokens to write. */
  readonly steps: number;
  /** Divides the logits: below 1 the likely becomes likelier, and 0 takes the likeliest. Default 1. */
  readonly temperature?: number;
  /** Draws among that many of the likeliest tokens only. Default: all. */
  readonly topK?: number;
  /** Ends a row; what would follow is not written. Default: none. */
  readonly end?: number;
  /** Default: the process' stream. */
  readonly generator?: Generator;
  /** Ends the writing with its reason, before the next token. */
  readonly signal?: AbortSignal;
}

const GENERATE: OptionKinds<GenerateOptions> = {
  steps: "any",
  temperature: "number",
  topK: "size",
  end: "integer",
  generator: "generator",
  signal: "signal",
};
const SAMPLE: OptionKinds<SampleOptions> = { ...GENERATE, start: "any" };

/**
 * Writes by drawing each token from softmax(logits / temperature) among the likeliest `topK`.
 * @param encoded what `decoder.encode` gave; it stays the caller's
 * @returns the tokens of each row, the end mark left out
 * @throws ValueError for options that make no sense
 */
export async function sample<E, S>(decoder: Decoder<E, S>, encoded: E, options: SampleOptions): Promise<number[][]> {
  expectDecoder("sample", decoder);
  expectRecord("sample", "options", options, "an object with start and steps");
  expectOptions("sample", options, SAMPLE);
  const { start, steps, temperature = 1, topK, end, generator = defaultGenerator(), signal } = options;
  expectSize("sample", "steps", steps);
  expectFinite("sample", "temperature", temperature, 0);
  let { state, token } = scope(() => {
    const first = decoder.start(encoded);
    return { state: first, token: firstTokens("sample", start, first) } as never;
  }) as { state: S; token: Tensor };
  const { device } = token;
  const written = Array.from({ length: token.shape[0]! }, (): number[] => []);
  const open = written.map(() => true);
  try {
    for (let t = 0; t < steps && open.includes(true); t++) {
      await breathe();
      signal?.throwIfAborted();
      const { next, logits } = scope(() => {
        const after = decoder.step(token, state, encoded);
        return { next: after, logits: decoder.logits(after) } as never;
      }) as { next: S; logits: Tensor };
      const scores = await logits.data();
      expectScores("sample", scores, [state, next, logits, token], encoded, start);
      const vocabulary = logits.shape[1]!;
      const drawn = written.map((_, row) =>
        draw(scores.subarray(row * vocabulary, (row + 1) * vocabulary), temperature, topK ?? vocabulary, generator),
      );
      drawn.forEach((value, row) => {
        open[row] &&= value !== end;
        if (open[row]) written[row]!.push(value);
      });
      release([state, logits, token], next, encoded, start);
      state = next;
      token = tensor(Int32Array.from(drawn), { device });
    }
  } finally {
    release([state, token], encoded, start);
  }
  return written;
}

/** What the options of a language model's `generate` are. */
export type GenerateOptions = Omit<SampleOptions, "start">;

/**
 * Continues prompts int32 [n, time], time ≥ 1.
 * @param model what it encodes of a prompt is the state before the last token
 * @returns the new tokens of each row
 */
export async function generate<E, S>(
  model: EncoderDecoder<E, S>,
  prompt: Tensor,
  options: GenerateOptions,
): Promise<number[][]> {
  expectDecoder("generate", model);
  expectRecord("generate", "options", options, "an object with the number of steps");
  expectOptions("generate", options, GENERATE);
  const { encoded, start } = scope(() => {
    expectTokens("generate", "prompt", prompt);
    return { encoded: model.encode(prompt), start: slice(prompt, [null, -1]) } as never;
  }) as { encoded: E; start: Tensor };
  try {
    return await sample(model, encoded, { ...options, start });
  } finally {
    release([encoded, start]);
  }
}

/** One token by its scores; ties count as larger the smaller the token. */
function draw(scores: ArrayLike<number>, temperature: number, topK: number, generator: Generator): number {
  const order = Array.from(scores, (_, i) => i)
    .sort((a, b) => scores[b]! - scores[a]!)
    .slice(0, temperature === 0 ? 1 : topK);
  if (order.length === 1) return order[0]!;
  const weights = order.map((token) => Math.exp((scores[token]! - scores[order[0]!]!) / temperature));
  let rest = generator.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < order.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return order[i]!;
  }
  return order[0]!;
}
