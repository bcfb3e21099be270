/** Mini-batches: shuffled, collated, prefetched, and freed when the next one is taken. */
import { type Device, defaultDevice, fromHost, Generator, type Tensor, ValueError } from "@neurite/core";
import {
  describeValue,
  expectFunction,
  expectInteger,
  expectOptions,
  expectRecord,
  expectSize,
  type OptionKinds,
} from "@neurite/core/expect";
import { untilAborted } from "./abort.js";
import type { HostBatch } from "./collate.js";
import { type Dataset, expectDataset } from "./dataset.js";

/** The tensors of a batch by name. */
export type Batch<B extends HostBatch> = { readonly [K in keyof B]: Tensor };

export interface LoaderOptions<T, B extends HostBatch> {
  readonly batchSize: number;
  /** Makes a batch's arrays of its items. */
  readonly collate: (items: readonly T[]) => B | Promise<B>;
  /** A new order for each epoch, from `seed` and the epoch alone. Default false. */
  readonly shuffle?: boolean;
  /** Default 0. */
  readonly seed?: number;
  /** Leaves out a last batch that is not full. Default false. */
  readonly dropLast?: boolean;
  /** Batches collated ahead of the one in use. Default 2. */
  readonly prefetch?: number;
  /** Default: the default device when a batch is taken. */
  readonly device?: Device;
  /** Ends the iteration with its reason, before the next batch; the place in the data stays that of the batch last taken. */
  readonly signal?: AbortSignal;
}

const OPTIONS: OptionKinds<LoaderOptions<unknown, HostBatch>> = {
  batchSize: "any",
  collate: "any",
  shuffle: "boolean",
  seed: "count",
  dropLast: "boolean",
  prefetch: "count",
  device: "device",
  signal: "signal",
};

/** A place in the data: `batch` batches of epoch `epoch` were taken. */
export interface LoaderState {
  readonly epoch: number;
  readonly batch: number;
}

function notArrays(name: string, received: unknown): ValueError {
  return new ValueError({
    op: "collate",
    argument: name,
    expected: name === "batch" ? "arrays by name" : "{ dtype, shape, data }",
    received: describeValue(received),
    remedy: "Make them with padSequences or stackArrays.",
  });
}

function upload<B extends HostBatch>(host: B, device: Device = defaultDevice()): Batch<B> {
  if (typeof host !== "object" || host === null) throw notArrays("batch", host);
  for (const [name, array] of Object.entries(host)) if (!array?.data) throw notArrays(name, array);
  const entries = Object.entries(host).map(([name, { data, dtype, shape }]) => [
    name,
    fromHost(data, dtype, shape, device).keep(),
  ]);
  return Object.fromEntries(entries) as Batch<B>;
}

/** Gives one batch, and frees it when the next one is asked for or the loop is left. */
export function* lend<B extends HostBatch>(host: B, device?: Device): Iterable<Batch<B>> {
  const batch = upload(host, device);
  try {
    yield batch;
  } finally {
    for (const tensor of Object.values(batch))
      (tensor as Tensor).dispose("the loader frees a batch when the next one is taken");
  }
}

/**
 * Batches of a dataset. Iterating gives the rest of the current epoch; a batch's tensors are freed when the next one is
 * taken or the loop is left.
 * @throws ValueError for an empty dataset or a batch size below 1
 * @example
 * const loader = new DataLoader(fromArray(pairs), { batchSize: 64, shuffle: true, collate });
 * for await (const { x, y } of loader) optimizer.step(step(x, y).grads);
 */
export class DataLoader<T, B extends HostBatch> implements AsyncIterable<Batch<B>> {
  readonly #dataset: Dataset<T>;
  readonly #options: Required<Omit<LoaderOptions<T, B>, "device" | "signal">> & {
    readonly device: Device | undefined;
    readonly signal: AbortSignal | undefined;
  };
  #epoch = 0;
  #batch = 0;
  #order: { readonly epoch: number; readonly indices: Int32Array } | null = null;

  constructor(dataset: Dataset<T>, options: LoaderOptions<T, B>) {
    expectDataset("DataLoader", dataset);
    expectRecord("DataLoader", "options", options, "an object with batchSize and collate");
    expectOptions("DataLoader", options, OPTIONS);
    const { shuffle = false, seed = 0, dropLast = false, prefetch = 2, device, signal } = options;
    this.#dataset = dataset;
    this.#options = { ...options, shuffle, seed, dropLast, prefetch, device, signal };
    const { batchSize } = options;
    expectSize("DataLoader", "batchSize", batchSize);
    expectFunction("DataLoader", "collate", options.collate, "It makes a batch's arrays of its items.");
    if (this.length === 0) {
      throw new ValueError({
        op: "DataLoader",
        argument: "dataset",
        expected: dropLast ? `at least one full batch of ${batchSize} items` : "at least one item",
        received: `${dataset.length} items`,
        remedy: "Check where the data is read, and any filter.",
      });
    }
  }

  /** Batches in an epoch. */
  get length(): number {
    const { batchSize, dropLast } = this.#options;
    const batches = this.#dataset.length / batchSize;
    return dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  /** Items of a batch of an epoch, by its number: the last one may have fewer. */
  itemsIn(batch: number): number {
    const { batchSize } = this.#options;
    return Math.min(batchSize, this.#dataset.length - batch * batchSize);
  }

  /** Place after the batch last taken; batches prefetched do not count. */
  state(): LoaderState {
    return { epoch: this.#epoch, batch: this.#batch };
  }

  /** Continues at a saved place. @throws ValueError for one that is none */
  restore(place: LoaderState): void {
    expectRecord("DataLoader.restore", "place", place, "what state() gave, { epoch, batch }");
    const { epoch, batch } = place;
    expectInteger("DataLoader.restore", "epoch", epoch, 0);
    expectInteger("DataLoader.restore", "batch", batch, 0);
    this.#epoch = epoch;
    this.#batch = batch;
  }

  /** Items of the given epoch in order: a function of seed and epoch. */
  #indices(epoch: number): Int32Array {
    if (this.#order?.epoch !== epoch) {
      const { shuffle, seed } = this.#options;
      const count = this.#dataset.length;
      const indices = shuffle
        ? new Generator(seed).fork(epoch).permutation(count)
        : Int32Array.from({ length: count }, (_, i) => i);
      this.#order = { epoch, indices };
    }
    return this.#order.indices;
  }

  /** The arrays of one batch. */
  async #collate({ epoch, batch }: LoaderState): Promise<B> {
    const { batchSize, collate } = this.#options;
    const indices = this.#indices(epoch).subarray(batch * batchSize, (batch + 1) * batchSize);
    return collate(await Promise.all(Array.from(indices, (index) => this.#dataset.get(index))));
  }

  /** One batch by its place, for looking at it again; the caller disposes its tensors. @throws ValueError for one beyond the epoch */
  async at(place: LoaderState): Promise<Batch<B>> {
    expectRecord("DataLoader.at", "place", place, "{ epoch, batch }");
    expectInteger("DataLoader.at", "epoch", place.epoch, 0);
    expectInteger("DataLoader.at", "batch", place.batch, 0, this.length - 1);
    return upload(await this.#collate(place), this.#options.device);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Batch<B>> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    if (this.#batch >= this.length) this.restore({ epoch: this.#epoch + 1, batch: 0 });
    const epoch = this.#epoch;
    const ahead: Promise<B>[] = [];
    let next = this.#batch;
    while (this.#epoch === epoch && this.#batch < this.length) {
      while (next < this.length && ahead.length <= this.#options.prefetch) {
        const host = this.#collate({ epoch, batch: next++ });
        // a failure is thrown when its turn comes, not as an unhandled rejection before
        host.catch(() => {});
        ahead.push(host);
      }
      const host = await untilAborted(ahead.shift()!, signal);
      this.#batch++;
      yield* lend(host, this.#options.device);
    }
  }

  /** Batches without end, epoch after epoch. */
  async *forever(): AsyncGenerator<Batch<B>> {
    for (;;) yield* this;
  }
}
