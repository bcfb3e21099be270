/**
 * Byte-pair encoding that is trained here (Sennrich et al. 2016), on bytes as in GPT-2: every string can be encoded, and
 * decoding gives it back exactly.
 */
import { UnsupportedError, ValueError } from "@neurite/core";
import {
  describeValue,
  expectInteger,
  expectIterable,
  expectList,
  expectOptions,
  expectRecord,
  expectText,
  type OptionKinds,
} from "@neurite/core/expect";
import { PriorityQueue } from "./priority-queue.js";
import { fromBytes, toBytes } from "./utf8.js";

export interface BPEOptions {
  /** Tokens that no text gives, such as `<pad>`; they are numbered first. Default none. */
  readonly specials?: readonly string[];
}

export interface BPETrainOptions extends BPEOptions {
  /** Pairs to merge at most; training ends before when no pair occurs twice. */
  readonly merges: number;
}

const OPTIONS: OptionKinds<BPEOptions> = { specials: "list" };
const TRAIN: OptionKinds<BPETrainOptions> = { ...OPTIONS, merges: "count" };

/** What a tokenizer is made again from. */
export interface BPEJSON {
  readonly type: "bpe";
  readonly version: 1;
  readonly specials: readonly string[];
  /** Pairs of token numbers, in the order in which they were merged. */
  readonly merges: readonly (readonly [number, number])[];
}

/** Letters, digits, or other signs, each with a space before; other space. No merge crosses from one to the next. */
const WORDS = / ?\p{L}[\p{L}\p{M}]*| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;
const BYTES = 256;
/** Token numbers are below this, so that a pair is one exact integer. */
const RADIX = 2 ** 24;
/** Most bytes of all tokens together: each merge may double the longest, so a file of some hundred bytes could ask for gigabytes. */
const MOST_BYTES = 2 ** 26;
/** In the place of a token that was merged with the one before it. */
const GONE = -1;
/** Words whose tokens are remembered. */
const CACHE = 65_536;

/**
 * A tokenizer of any text: specials, the 256 bytes, then the merged pairs.
 * @example
 * const tokenizer = BPETokenizer.train(corpus, { merges: 4000, specials: ["<pad>", "<end>"] });
 * tokenizer.decode(tokenizer.encode("any text")) === "any text";
 */
export class BPETokenizer {
  readonly specials: readonly string[];
  readonly merges: readonly (readonly [number, number])[];
  readonly #bytes: readonly Uint8Array[];
  readonly #ranks: ReadonlyMap<number, number>;
  readonly #cache = new Map<string, readonly number[]>();

  /** @throws ValueError for repeated specials, and merges of tokens that do not exist yet */
  constructor(merges: readonly (readonly [number, number])[], options: BPEOptions = {}) {
    expectList("BPETokenizer", "merges", merges, "pairs of tokens");
    expectOptions("BPETokenizer", options, OPTIONS);
    const { specials = [] } = options;
    for (const [i, name] of specials.entries()) expectText("BPETokenizer", `specials[${i}]`, name);
    if (new Set(specials).size !== specials.length) {
      throw new ValueError({
        op: "BPETokenizer",
        argument: "specials",
        expected: "each token once",
        received: specials.join(", "),
      });
    }
    const first = specials.length;
    const bytes: Uint8Array[] = specials.map(() => new Uint8Array(0));
    for (let byte = 0; byte < BYTES; byte++) bytes.push(Uint8Array.of(byte));
    const ranks = new Map<number, number>();
    let total = 0;
    for (const [rank, pair] of merges.entries()) {
      expectList("BPETokenizer", `merges[${rank}]`, pair, "two tokens");
      const [left, right] = pair as readonly [number, number];
      const known = (token: number) => Number.isInteger(token) && token >= first && token < bytes.length;
      if (pair.length !== 2 || !known(left) || !known(right) || ranks.has(left * RADIX + right)) {
        throw new ValueError({
          op: "BPETokenizer",
          argument: `merges[${rank}]`,
          expected: `a new pair of tokens from ${first} to ${bytes.length - 1}`,
          received: describeValue(pair),
        });
      }
      ranks.set(left * RADIX + right, rank);
      total += bytes[left]!.length + bytes[right]!.length;
      if (total > MOST_BYTES) {
        throw new UnsupportedError({
          op: "BPETokenizer",
          argument: `merges[${rank}]`,
          expected: `tokens of at most ${MOST_BYTES} bytes in all`,
          received: `one of ${bytes[left]!.length + bytes[right]!.length}`,
          remedy: "Leave out the merges from this one on; no text has words of such length.",
        });
      }
      bytes.push(joined(bytes[left]!, bytes[right]!));
    }
    this.specials = [...specials];
    this.merges = merges.map(([left, right]) => [left, right]);
    this.#bytes = bytes;
    this.#ranks = ranks;
  }

  /**
   * Merges the most frequent pair of neighbours again and again; of equally frequent ones that with the smaller numbers.
   * @throws ValueError unless `merges` is an integer of at least 0
   */
  static train(text: string | Iterable<string>, options: BPETrainOptions): BPETokenizer {
    expectIterable("BPETokenizer.train", "text", text);
    expectRecord("BPETokenizer.train", "options", options, "an object with the number of merges");
    expectOptions("BPETokenizer.train", options, TRAIN);
    const { merges, specials = [] } = options;
    expectInteger("BPETokenizer.train", "merges", merges, 0);
    return new BPETokenizer(new Trainer(text, specials.length).run(merges), { specials });
  }

  /** Number of tokens. */
  get size(): number {
    return this.#bytes.length;
  }

  /** Number of a special token. @throws ValueError when there is none of this name */
  special(name: string): number {
    const token = this.specials.indexOf(name);
    if (token >= 0) return token;
    throw new ValueError({
      op: "BPETokenizer.special",
      argument: "name",
      expected: `one of ${this.specials.join(", ") || "no specials"}`,
      received: describeValue(name),
    });
  }

  /** Tokens of a text; no text gives a special one. */
  encode(text: string): number[] {
    expectText("BPETokenizer.encode", "text", text);
    const tokens: number[] = [];
    for (const [word] of text.matchAll(WORDS)) {
      let known = this.#cache.get(word);
      if (!known) {
        known = this.#encodeWord(word);
        if (this.#cache.size >= CACHE) this.#cache.clear();
        this.#cache.set(word, known);
      }
      for (const token of known) tokens.push(token);
    }
    return tokens;
  }

  /** Merges the pair of the lowest rank again and again, of several the first: each merge takes time in log(n). */
  #encodeWord(word: string): number[] {
    const first = this.specials.length;
    const tokens = Array.from(toBytes(word), (byte) => first + byte);
    const n = tokens.length;
    // neighbours of each token that is left; merged ones leave the list
    const before = Int32Array.from(tokens, (_, i) => i - 1);
    const after = Int32Array.from(tokens, (_, i) => i + 1);
    const candidates = new PriorityQueue<Merge>((a, b) => a.rank < b.rank || (a.rank === b.rank && a.at < b.at));
    const offer = (at: number): void => {
      const next = after[at]!;
      if (next >= n) return;
      const [left, right] = [tokens[at]!, tokens[next]!];
      const rank = this.#ranks.get(left * RADIX + right);
      if (rank !== undefined) candidates.push({ rank, at, left, right });
    };
    for (let at = 0; at < n; at++) offer(at);
    for (let merge = candidates.pop(); merge; merge = candidates.pop()) {
      const { at, rank, left, right } = merge;
      const next = after[at]!;
      // out of date: one of the two was merged with another
      if (tokens[at] !== left || next >= n || tokens[next] !== right) continue;
      tokens[at] = first + BYTES + rank;
      tokens[next] = GONE;
      after[at] = after[next]!;
      if (after[at]! < n) before[after[at]!] = at;
      if (before[at]! >= 0) offer(before[at]!);
      offer(at);
    }
    return tokens.filter((token) => token !== GONE);
  }

  /**
   * The text of tokens, without special ones. Bytes that are no text become U+FFFD.
   * @throws ValueError for a number that is no token
   */
  decode(tokens: Iterable<number>): string {
    const bytes: number[] = [];
    expectIterable("BPETokenizer.decode", "tokens", tokens);
    for (const token of tokens) {
      // a name of an array's own, such as "length", is no token
      const own = typeof token === "number" ? this.#bytes[token] : undefined;
      if (!own) {
        throw new ValueError({
          op: "BPETokenizer.decode",
          argument: "tokens",
          expected: `integers from 0 to ${this.size - 1}`,
          received: describeValue(token),
        });
      }
      for (const byte of own) bytes.push(byte);
    }
    return fromBytes(bytes);
  }

  toJSON(): BPEJSON {
    return { type: "bpe", version: 1, specials: this.specials, merges: this.merges };
  }

  /** @throws ValueError for anything that `toJSON` did not give */
  static fromJSON(json: unknown): BPETokenizer {
    const { type, version, specials, merges } = (json ?? {}) as Partial<BPEJSON>;
    const valid = type === "bpe" && version === 1 && Array.isArray(specials) && Array.isArray(merges);
    if (valid && specials.every((name) => typeof name === "string") && merges.every(Array.isArray)) {
      return new BPETokenizer(merges as [number, number][], { specials });
    }
    throw new ValueError({
      op: "BPETokenizer.fromJSON",
      argument: "json",
      expected: "what toJSON() gave, of version 1",
      received: json === null || typeof json !== "object" ? describeValue(json) : `type ${describeValue(type)}`,
    });
  }
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}

/** `tokens` with each left-right pair, from the start on, made one token. */
function mergePair(tokens: readonly number[], left: number, right: number, merged: number): number[] {
  const result: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] === left && tokens[i + 1] === right) {
      result.push(merged);
      i++;
    } else result.push(tokens[i]!);
  }
  return result;
}

/** Two neighbours that may become one token. */
interface Merge {
  readonly rank: number;
  readonly at: number;
  readonly left: number;
  readonly right: number;
}

interface Candidate {
  readonly pair: number;
  readonly count: number;
}

/** Counts of pairs over the distinct words, kept up to date from merge to merge. */
class Trainer {
  readonly #words: number[][] = [];
  readonly #frequencies: number[] = [];
  readonly #counts = new Map<number, number>();
  /** Words that have, or once had, a pair. */
  readonly #places = new Map<number, Set<number>>();
  /** The most frequent first; of equally frequent ones that with the smaller numbers. */
  readonly #candidates = new PriorityQueue<Candidate>(
    (a, b) => a.count > b.count || (a.count === b.count && a.pair < b.pair),
  );
  #next: number;

  constructor(text: string | Iterable<string>, first: number) {
    this.#next = first + BYTES;
    const frequencies = new Map<string, number>();
    for (const part of typeof text === "string" ? [text] : text) {
      expectText("BPETokenizer.train", "text", part);
      for (const [word] of part.matchAll(WORDS)) frequencies.set(word, (frequencies.get(word) ?? 0) + 1);
    }
    for (const [word, frequency] of frequencies) {
      this.#words.push(Array.from(toBytes(word), (byte) => first + byte));
      this.#frequencies.push(frequency);
      this.#count(this.#words.length - 1, 1);
    }
    for (const [pair, count] of this.#counts) this.#candidates.push({ pair, count });
  }

  run(merges: number): [number, number][] {
    const made: [number, number][] = [];
    while (made.length < merges) {
      const best = this.#candidates.pop();
      if (!best || best.count < 2) break;
      // a candidate is out of date when its count has changed since
      if (best.count !== this.#counts.get(best.pair)) continue;
      const left = Math.floor(best.pair / RADIX);
      const right = best.pair % RADIX;
      made.push([left, right]);
      this.#merge(best.pair, left, right);
    }
    return made;
  }

  #merge(pair: number, left: number, right: number): void {
    const changed = new Set<number>();
    for (const index of this.#places.get(pair)!) {
      const word = this.#words[index]!;
      const merged = mergePair(word, left, right, this.#next);
      if (merged.length === word.length) continue;
      this.#count(index, -1, changed);
      this.#words[index] = merged;
      this.#count(index, 1, changed);
    }
    this.#next++;
    this.#places.delete(pair);
    for (const one of changed) {
      const count = this.#counts.get(one)!;
      if (count > 0) this.#candidates.push({ pair: one, count });
      else this.#counts.delete(one);
    }
  }

  #count(index: number, sign: number, changed?: Set<number>): void {
    const word = this.#words[index]!;
    const amount = sign * this.#frequencies[index]!;
    for (let i = 0; i + 1 < word.length; i++) {
      const pair = word[i]! * RADIX + word[i + 1]!;
      this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + amount);
      changed?.add(pair);
      if (sign < 0) continue;
      const places = this.#places.get(pair);
      if (places) places.add(index);
      else this.#places.set(pair, new Set([index]));
    }
  }
}
