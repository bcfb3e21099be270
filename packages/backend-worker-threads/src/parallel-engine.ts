/**
 * The engine of backend-wasm over a shared memory: a kernel's work is cut into pieces, which main and the workers take from
 * one counter. Main never waits for a worker to wake up: what no worker has taken it does itself.
 */
import { type CompiledKernel, Engine } from "@neurite/backend-wasm";
import { DeviceError } from "@neurite/core";
import * as control from "./control.js";
import { startWorker, type WorkerHandle } from "./pool.js";

export interface ParallelOptions {
  /** Threads in all, main among them. */
  readonly threads: number;
  readonly relaxed: boolean;
  readonly wide: boolean;
  readonly maximumBytes?: number;
  /** Longest time in ms that a wait for a worker may go on without any progress. */
  readonly patience: number;
}

/** Pieces for each thread: more even out threads of different speed, fewer cost less. */
const PIECES_PER_THREAD = 4;
const MOST_PIECES = 1 << (control.PIECE_BITS - 1);
/** Numbers of jobs are 19 bits, so that tickets are not negative; 0 is none. */
const LAST_JOB = 2 ** (31 - control.PIECE_BITS) - 1;
/** Bytes taken at once for the code of kernels, of which one has about two thousand. */
const CODE_BYTES = 65_536;
/** Turns of the loop that waits for the last pieces before it sleeps. */
const SPINS = 20_000;
/** Milliseconds of one sleep. */
const NAP = 20;

interface Code {
  readonly id: number;
  readonly at: number;
  readonly bytes: number;
}

export class ParallelEngine extends Engine {
  readonly threads: number;
  readonly #patience: number;
  readonly #shared = new SharedArrayBuffer(control.CONTROL_BYTES);
  readonly #words = new Int32Array(this.#shared, 0, control.WORD_BYTES / 4);
  /** The job's description: addresses beyond 2 GiB are negative as signed words. */
  readonly #fields = new Uint32Array(this.#shared, 0, control.WORD_BYTES / 4);
  readonly #arguments = new Float64Array(this.#shared, control.WORD_BYTES, control.MOST_ARGUMENTS);
  readonly #codes = new Map<CompiledKernel, Code>();
  readonly #workers: WorkerHandle[] = [];
  /** Where the next kernel's code goes, and how much fits there. */
  #codeRoom = { at: 0, bytes: 0 };
  #job = 0;
  #broken: string | null = null;

  private constructor({ threads, relaxed, wide, maximumBytes, patience }: ParallelOptions) {
    super({ relaxed, wide, shared: true }, maximumBytes);
    this.threads = threads;
    this.#patience = patience;
  }

  /** An engine whose workers are ready. */
  static async start(options: ParallelOptions): Promise<ParallelEngine> {
    const engine = new ParallelEngine(options);
    const message = { memory: engine.heap.memory, shared: engine.#shared };
    for (let i = 1; i < options.threads; i++) engine.#workers.push(startWorker(message));
    try {
      await Promise.all(engine.#workers.map((worker) => worker.ready));
    } catch (error) {
      await engine.close();
      throw error;
    }
    return engine;
  }

  protected override compile(name: string, bytes: Uint8Array<ArrayBuffer>): CompiledKernel {
    const kernel = super.compile(name, bytes);
    // workers read the code from the shared memory when they first meet the kernel
    const at = this.#roomForCode(bytes.length);
    new Uint8Array(this.heap.memory.buffer, at, bytes.length).set(bytes);
    this.#codes.set(kernel, { id: this.#codes.size + 1, at, bytes: bytes.length });
    return kernel;
  }

  /** Code stays for good: side by side, so that it does not cut free memory into pieces. */
  #roomForCode(bytes: number): number {
    if (bytes > this.#codeRoom.bytes) {
      const taken = Math.max(bytes, CODE_BYTES);
      this.#codeRoom = { at: this.heap.allocate(taken), bytes: taken };
    }
    const { at } = this.#codeRoom;
    this.#codeRoom = { at: at + bytes, bytes: this.#codeRoom.bytes - bytes };
    return at;
  }

  override run(kernel: CompiledKernel, count: number, grain: number, ...args: number[]): number | undefined {
    if (this.#broken !== null) throw this.#brokenError();
    const wanted = Math.min(Math.floor(count / grain), this.threads * PIECES_PER_THREAD, MOST_PIECES);
    if (this.threads === 1 || wanted < 2 || args.length > control.MOST_ARGUMENTS) return kernel(0, count, ...args);
    const size = Math.ceil(count / wanted);
    const pieces = Math.ceil(count / size);
    const job = this.#publish(this.#codes.get(kernel)!, pieces, count, size, args);
    const words = this.#words;
    for (let piece = control.takePiece(words, job, pieces); piece >= 0; piece = control.takePiece(words, job, pieces)) {
      kernel(piece * size, Math.min(count, (piece + 1) * size), ...args);
      Atomics.add(words, control.DONE, 1);
    }
    this.#await(pieces);
    return undefined;
  }

  #publish({ id, at, bytes }: Code, pieces: number, items: number, size: number, args: readonly number[]): number {
    const words = this.#words;
    const fields = this.#fields;
    this.#job = this.#job === LAST_JOB ? 1 : this.#job + 1;
    const ticket = this.#job << control.PIECE_BITS;
    control.closeFor(words, ticket);
    fields[control.KERNEL] = id;
    fields[control.CODE] = at;
    fields[control.CODE_BYTES] = bytes;
    fields[control.PIECES] = pieces;
    fields[control.ITEMS] = items;
    fields[control.PIECE_ITEMS] = size;
    fields[control.ARGUMENTS] = args.length;
    for (let i = 0; i < args.length; i++) this.#arguments[i] = args[i]!;
    Atomics.store(words, control.DONE, 0);
    Atomics.store(words, control.TICKET, ticket);
    if (Atomics.load(words, control.PARKED) > 0) Atomics.notify(words, control.TICKET);
    return ticket;
  }

  /** Returns when all pieces are done; throws when a worker failed or nothing moves for too long. */
  #await(pieces: number): void {
    const words = this.#words;
    let done = Atomics.load(words, control.DONE);
    for (let spin = 0; done < pieces && spin < SPINS; spin++) done = Atomics.load(words, control.DONE);
    let since = performance.now();
    while (done < pieces) {
      nap(words, done);
      const now = Atomics.load(words, control.DONE);
      if (now !== done) since = performance.now();
      else if (performance.now() - since > this.#patience) {
        this.#broken = `a worker took work and made no progress for ${this.#patience} ms: it crashed or was killed`;
        throw this.#brokenError();
      }
      done = now;
    }
    if (Atomics.load(words, control.FAILED) === 1) {
      this.#broken = "a kernel failed in a worker";
      throw this.#brokenError();
    }
  }

  #brokenError(): DeviceError {
    return new DeviceError({
      op: "workerThreads",
      argument: "device",
      expected: "all of its workers alive",
      received: this.#broken ?? "",
      remedy: "Create a new device; save what you need from this one through its tensors' data first.",
    });
  }

  /** Ends the workers. */
  async close(): Promise<void> {
    this.#broken ??= "the device was closed";
    Atomics.store(this.#words, control.QUIT, 1);
    Atomics.notify(this.#words, control.TICKET);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** Sleeps until DONE changes, for a moment at most; spins where the thread may not sleep (a page's main thread). */
function nap(words: Int32Array, done: number): void {
  try {
    Atomics.wait(words, control.DONE, done, NAP);
  } catch {
    for (let spin = 0; spin < SPINS && Atomics.load(words, control.DONE) === done; spin++);
  }
}
