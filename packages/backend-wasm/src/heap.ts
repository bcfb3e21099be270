/** The memory that all kernels work on, and what is free in it. Pointers are numbers; no view of the memory is kept. */
import { UnsupportedError } from "@neurite/core";
import { type WasmMemory, WebAssembly } from "./web-assembly.js";

const PAGE = 65536;
/** Four GiB, all that 32-bit addresses reach. */
const MOST_PAGES = 65536;
/** The first bytes are never handed out: pointer 0 is nothing, and kernels keep small notes there. */
const RESERVED = 1024;
/** Vectors may be read past the end of the last storage. */
const MARGIN = 256;

export interface HeapOptions {
  readonly shared: boolean;
  /** Largest size in bytes. Default 4 GiB. */
  readonly maximumBytes?: number;
}

/** Sizes up to this are multiples of 64, with a list each in an array. */
const SMALL = 1024;

/** Bytes rounded up to a size class: multiples of 64, from 1 KiB on four classes for each power of two. */
export function sizeClass(bytes: number): number {
  if (bytes <= SMALL) return Math.max(64, (bytes + 63) & ~63);
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

export class Heap {
  readonly memory: WasmMemory;
  readonly maximumPages: number;
  /** Free addresses of each small size, by size / 64. */
  readonly #small: number[][] = Array.from({ length: SMALL / 64 + 1 }, () => []);
  readonly #large = new Map<number, number[]>();
  #top = RESERVED;
  #capacity: number;

  constructor({ shared, maximumBytes = MOST_PAGES * PAGE }: HeapOptions) {
    this.maximumPages = Math.min(MOST_PAGES, Math.floor(maximumBytes / PAGE));
    const initial = Math.min(16, this.maximumPages);
    this.memory = new WebAssembly.Memory(
      shared ? { initial, maximum: this.maximumPages, shared } : { initial, maximum: this.maximumPages },
    );
    this.#capacity = initial * PAGE;
  }

  /** Bytes the memory has now. */
  get bytes(): number {
    return this.#capacity;
  }

  /** The address of `bytes` bytes, a multiple of 64. @throws UnsupportedError when the memory is full */
  allocate(bytes: number): number {
    const size = sizeClass(bytes);
    const pointer = this.#freeOf(size).pop();
    if (pointer !== undefined) return pointer;
    const at = this.#top;
    if (at + size + MARGIN > this.#capacity) this.#grow(at + size + MARGIN);
    this.#top = at + size;
    return at;
  }

  release(pointer: number, bytes: number): void {
    const size = sizeClass(bytes);
    this.#freeOf(size).push(pointer);
  }

  #freeOf(size: number): number[] {
    if (size <= SMALL) return this.#small[size >> 6]!;
    let list = this.#large.get(size);
    if (!list) {
      list = [];
      this.#large.set(size, list);
    }
    return list;
  }

  #grow(needed: number): void {
    // an eighth more than asked for, so that a growing program does not grow at every step
    const wanted = Math.ceil(Math.max(needed, this.#capacity * 1.125) / PAGE);
    const pages = needed <= this.maximumPages * PAGE ? Math.min(wanted, this.maximumPages) : wanted;
    try {
      if (pages > this.maximumPages) throw new RangeError("beyond the maximum");
      this.memory.grow(pages - this.#capacity / PAGE);
    } catch (cause) {
      throw new UnsupportedError(
        {
          op: "allocate",
          argument: "memory",
          expected: `at most ${Math.floor((this.maximumPages * PAGE) / 2 ** 20)} MiB, the limit of this backend`,
          received: `${Math.ceil(needed / 2 ** 20)} MiB`,
          remedy: "Use smaller batches, or checkpoint() parts of the model.",
        },
        { cause },
      );
    }
    this.#capacity = pages * PAGE;
  }
}
