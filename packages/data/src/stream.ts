/** Data without end or length: async iterables, shuffled through a buffer, fetched ahead, in batches. */
import { type Device, expectGenerator, Generator } from "@neurite/core";
import {
  badValue,
  expectFunction,
  expectInteger,
  expectOptions,
  expectRecord,
  expectSize,
  type OptionKinds,
} from "@neurite/core/expect";
import { untilAborted } from "./abort.js";
import type { HostBatch } from "./collate.js";
import { type Batch, lend } from "./loader.js";

/**
 * The items in another order: each comes from a buffer of `size` items, at random, and the next one takes its place.
 * @throws ValueError for a size below 1
 */
export async function* shuffleStream<T>(
  source: AsyncIterable<T> | Iterable<T>,
  size: number,
  generator: Generator,
): AsyncGenerator<T> {
  expectStream("shuffleStream", source);
  expectSize("shuffleStream", "size", size);
  expectGenerator("shuffleStream", generator);
  const buffer: T[] = [];
  for await (const item of source) {
    if (buffer.length < size) {
      buffer.push(item);
      continue;
    }
    const at = generator.integer(size);
    const taken = buffer[at]!;
    buffer[at] = item;
    yield taken;
  }
  for (const at of generator.permutation(buffer.length)) yield buffer[at]!;
}

/** Arrays of `size` items; the last one may be shorter. @throws ValueError for a size below 1 */
export async function* batchStream<T>(source: AsyncIterable<T> | Iterable<T>, size: number): AsyncGenerator<T[]> {
  expectStream("batchStream", source);
  expectSize("batchStream", "size", size);
  let batch: T[] = [];
  for await (const item of source) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * The same items, up to `ahead` of them fetched while others are in use, one after another. An error is thrown when its turn
 * comes. When the loop is left, the source is told, and what is under way is waited for.
 * @throws ValueError for a negative number
 */
export async function* prefetchStream<T>(source: AsyncIterable<T>, ahead: number): AsyncGenerator<T> {
  expectFunction("prefetchStream", "source[Symbol.asyncIterator]", source?.[Symbol.asyncIterator]);
  expectInteger("prefetchStream", "ahead", ahead, 0);
  const iterator = source[Symbol.asyncIterator]();
  const pending: Promise<IteratorResult<T>>[] = [];
  let last: Promise<unknown> = Promise.resolve();
  let ended = false;
  const fetch = () => {
    const next = last.then(() => (ended ? { done: true as const, value: undefined } : iterator.next()));
    // a failure is thrown when its turn comes, not as an unhandled rejection before
    last = next.then(
      (result) => {
        ended ||= result.done === true;
      },
      () => {
        ended = true;
      },
    );
    pending.push(next);
  };
  try {
    for (;;) {
      while (pending.length <= ahead) fetch();
      const result = await pending.shift()!;
      if (result.done) return;
      yield result.value;
    }
  } finally {
    const cut = !ended;
    ended = true;
    await last;
    if (cut) await iterator.return?.();
  }
}

export interface StreamOptions<T, B extends HostBatch> {
  readonly batchSize: number;
  /** Makes a batch's arrays of its items. */
  readonly collate: (items: readonly T[]) => B | Promise<B>;
  /** Items in the shuffle buffer. Default 0: no shuffling. */
  readonly shuffle?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Batches collated ahead of the one in use. Default 2. */
  readonly prefetch?: number;
  /** Default: the default device when a batch is taken. */
  readonly device?: Device;
  /** Ends the iteration with its reason, before the next batch. */
  readonly signal?: AbortSignal;
}

const OPTIONS: OptionKinds<StreamOptions<unknown, HostBatch>> = {
  batchSize: "size",
  collate: "function",
  shuffle: "count",
  seed: "count",
  prefetch: "count",
  device: "device",
  signal: "signal",
};

function expectStream(op: string, source: unknown): void {
  const { [Symbol.iterator]: sync, [Symbol.asyncIterator]: later } = Object(source ?? {}) as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  if (typeof sync !== "function" && typeof later !== "function") throw badValue(op, "source", "an iterable", source);
}

async function* collated<T, B>(batches: AsyncIterable<T[]>, collate: (items: readonly T[]) => B | Promise<B>) {
  for await (const items of batches) yield await collate(items);
}

/**
 * Batches of a stream. A batch's tensors are freed when the next one is taken or the loop is left, and then the source is
 * closed too.
 * @throws ValueError for impossible sizes
 * @example
 * for await (const { x, y } of streamBatches(readLinesOf(file), { batchSize: 64, shuffle: 4096, collate })) train(x, y);
 */
export async function* streamBatches<T, B extends HostBatch>(
  source: AsyncIterable<T> | Iterable<T>,
  options: StreamOptions<T, B>,
): AsyncGenerator<Batch<B>> {
  expectStream("streamBatches", source);
  expectRecord("streamBatches", "options", options, "an object with batchSize and collate");
  expectOptions("streamBatches", options, OPTIONS);
  const { batchSize, collate, shuffle = 0, seed = 0, prefetch = 2, device, signal } = options;
  expectFunction("streamBatches", "collate", collate, "It makes a batch's arrays of its items.");
  const items = shuffle > 0 ? shuffleStream(source, shuffle, new Generator(seed)) : source;
  const hosts = prefetchStream(collated(batchStream(items, batchSize), collate), prefetch);
  try {
    for (;;) {
      const { done, value } = await untilAborted(hosts.next(), signal);
      if (done) return;
      yield* lend(value, device);
    }
  } finally {
    // a source that hangs must not keep the loop from ending
    const closed = hosts.return(undefined);
    if (signal?.aborted) closed.catch(() => {});
    else await closed;
  }
}
