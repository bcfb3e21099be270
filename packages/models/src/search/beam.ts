/** Beam search: the likeliest sequences, approximately. */
import { breathe, gather, logSoftmax, scope, type Tensor, tensor } from "@neurite/core";
import {
  badValue,
  expectFinite,
  expectInteger,
  expectOptions,
  expectRecord,
  expectSize,
  type OptionKinds,
} from "@neurite/core/expect";
import { type Decoder, expectDecoder, expectScores, firstTokens, mapTensors, release } from "./decoder.js";

export interface BeamOptions {
  /** The token that stands before the first one: one for all rows, or int32 [n]. */
  readonly start: number | Tensor;
  /** The token that ends a sequence. */
  readonly end: number;
  /** Most tokens to write, the end mark counted. */
  readonly maxLength: number;
  /** Sequences followed for each source. With 1 it is greedy search. Default 4. */
  readonly beams?: number;
  /** Sequences returned for each source, at most `beams`. Default 1. */
  readonly best?: number;
  /** α: sequences are ranked by log-probability / ((5 + length)/6)^α (Wu et al. 2016); 0 favours short ones. Default 0. */
  readonly lengthPenalty?: number;
  /** Ends the search with its reason, before the next token. */
  readonly signal?: AbortSignal;
}

const OPTIONS: OptionKinds<BeamOptions> = {
  start: "any",
  end: "any",
  maxLength: "any",
  beams: "any",
  best: "any",
  lengthPenalty: "number",
  signal: "signal",
};

/** Each has a row of states on the device, and is ranked against all others on the host. */
const MOST_BEAMS = 2 ** 12;

export interface Hypothesis {
  /** Without start and end mark. */
  readonly tokens: readonly number[];
  /** Σ log p of its tokens, the end mark included. */
  readonly logProbability: number;
  /** By which it is ranked: log-probability with the length penalty. */
  readonly score: number;
  /** Whether it ended by itself, not at the greatest length. */
  readonly ended: boolean;
}

/** A sequence still being written. */
interface Live {
  readonly tokens: readonly number[];
  readonly logProbability: number;
  /** Its row in the state. */
  readonly row: number;
}

/**
 * Follows the `beams` likeliest beginnings of each source; one that ends leaves the beam one narrower (Sutskever et al. 2014).
 * Ranks by log-probabilities in the order of tokens, so ties go to the smaller token.
 * @param encoded what `decoder.encode` gave; it stays the caller's
 * @returns for each source its best sequences, best first
 * @throws ValueError for options that make no sense
 * @example
 * const [best] = await beamSearch(model, model.encode(source), { start: 1, end: 2, maxLength: 20, beams: 5 });
 */
export async function beamSearch<E, S>(
  decoder: Decoder<E, S>,
  encoded: E,
  options: BeamOptions,
): Promise<Hypothesis[][]> {
  expectDecoder("beamSearch", decoder);
  expectRecord("beamSearch", "options", options, "an object with start, end and maxLength");
  expectOptions("beamSearch", options, OPTIONS);
  const { start, end, maxLength, beams = 4, best = 1, lengthPenalty = 0, signal } = options;
  expectSize("beamSearch", "maxLength", maxLength);
  expectInteger("beamSearch", "beams", beams, 1, MOST_BEAMS);
  if (!Number.isInteger(best) || best < 1 || best > beams) {
    throw badValue("beamSearch", "best", `an integer from 1 to the ${beams} beams`, best);
  }
  if (!Number.isSafeInteger(end))
    throw badValue("beamSearch", "end", "the number of the token that ends a sequence", end);
  expectFinite("beamSearch", "lengthPenalty", lengthPenalty);
  const finish = ({ tokens, logProbability }: Omit<Live, "row">, ended: boolean): Hypothesis => ({
    tokens: ended ? tokens.slice(0, -1) : tokens,
    logProbability,
    score: logProbability / ((5 + tokens.length) / 6) ** lengthPenalty,
    ended,
  });
  let { state, token } = scope(() => {
    const first = decoder.start(encoded);
    return { state: first, token: firstTokens("beamSearch", start, first) } as never;
  }) as { state: S; token: Tensor };
  const { device } = token;
  let lives: Live[][] = Array.from({ length: token.shape[0]! }, (_, row) => [{ tokens: [], logProbability: 0, row }]);
  const ended: Hypothesis[][] = lives.map(() => []);
  // the sources of the rows, picked anew when beams open or end
  let sources = lives.map((_, i) => i);
  let memory = encoded;
  try {
    for (let t = 0; t < maxLength && lives.some((live) => live.length > 0); t++) {
      await breathe();
      signal?.throwIfAborted();
      const { next, scores } = scope(() => {
        const after = decoder.step(token, state, memory);
        return { next: after, scores: logSoftmax(decoder.logits(after)) } as never;
      }) as { next: S; scores: Tensor };
      const logP = await scores.data();
      expectScores("beamSearch", logP, [state, next, scores, memory, token], encoded, start);
      const vocabulary = scores.shape[1]!;
      const chosen = lives.map((live, i) => {
        const kept: Live[] = [];
        for (const candidate of likeliest(live, logP, vocabulary, beams - ended[i]!.length)) {
          if (candidate.tokens.at(-1) === end) ended[i]!.push(finish(candidate, true));
          else kept.push(candidate);
        }
        return kept;
      });
      const rows = chosen.flat();
      const rowSources = chosen.flatMap((live, i) => live.map(() => i));
      const moved = scope(() => {
        const pick = <T>(tree: T, indices: readonly number[]): T => {
          const at = tensor(Int32Array.from(indices), { device });
          return mapTensors(tree, (x) => gather(x, at));
        };
        const same = rowSources.length === sources.length && rowSources.every((source, i) => source === sources[i]);
        return {
          state: pick(
            next,
            rows.map(({ row }) => row),
          ),
          token: tensor(
            Int32Array.from(rows, ({ tokens }) => tokens.at(-1)!),
            { device },
          ),
          memory: same ? memory : pick(encoded, rowSources),
        } as never;
      }) as { state: S; token: Tensor; memory: E };
      release([state, next, scores, memory], moved, encoded, start);
      release(token, start);
      ({ state, token, memory } = moved);
      sources = rowSources;
      let row = 0;
      lives = chosen.map((live) => live.map((candidate) => ({ ...candidate, row: row++ })));
    }
  } finally {
    release([state, memory, token], encoded, start);
  }
  return ended.map((done, i) =>
    [...done, ...lives[i]!.map((live) => finish(live, false))].sort((a, b) => b.score - a.score).slice(0, best),
  );
}

/** The `count` likeliest continuations of a source's sequences, likeliest first. */
function likeliest(live: readonly Live[], logP: ArrayLike<number>, vocabulary: number, count: number): Live[] {
  const found: Live[] = [];
  for (const { tokens, logProbability, row } of live) {
    for (let token = 0; token < vocabulary; token++) {
      const sum = logProbability + logP[row * vocabulary + token]!;
      if (found.length === count && !(sum > found[count - 1]!.logProbability)) continue;
      let at = found.length;
      while (at > 0 && found[at - 1]!.logProbability < sum) at--;
      found.splice(at, 0, { tokens: [...tokens, token], logProbability: sum, row });
      if (found.length > count) found.pop();
    }
  }
  return found;
}
