/**
 * The memory that all kernels work on, and what is free in it. Pointers are numbers; no view of the memory is kept.
 *
 * Memory is a chain of pieces, each free or not. A freed piece joins free neighbours and waits in a list of its size, eight
 * lists to the octave (Masmano et al., "TLSF", 2004). Pieces up to 1 MiB rest as they are at first, in one list for each size,
 * since most are wanted again at the next step; they are joined before the memory grows.
 */
import { UnsupportedError } from "@neurite/core";
import { FreeLists, type Piece } from "./free-lists.js";
import { type WasmMemory, WebAssembly } from "./web-assembly.js";

const PAGE = 65536;
/** Four GiB, all that 32-bit addresses reach. */
const MOST_PAGES = 65536;
/** The first bytes are never handed out: pointer 0 is nothing, and kernels keep small notes there. */
const RESERVED = 1024;
/** Vectors may be read past the end of the last storage. */
const MARGIN = 256;
/** Sizes are multiples of this: the length of a cache line. */
const UNIT_BITS = 6;
const UNIT = 1 << UNIT_BITS;
/** Pieces up to this size rest: to hand one out again takes a tenth of the time of joining and cutting. */
const MOST_RESTING = 2 ** 20;

/** Pieces from this size on are worth joining others for. */
const LARGE = 2 ** 16;

export interface HeapOptions {
  readonly shared: boolean;
  /** Largest size in bytes. Default 4 GiB. */
  readonly maximumBytes?: number;
  /** Gives back what can be made again; called before memory is refused. */
  readonly reclaim?: () => void;
}

/** Bytes that a request for `bytes` takes. */
export function roomFor(bytes: number): number {
  return bytes <= MOST_RESTING ? Math.max(UNIT, (bytes + UNIT - 1) & -UNIT) : Math.ceil(bytes / UNIT) * UNIT;
}

export class Heap {
  readonly memory: WasmMemory;
  readonly maximumPages: number;
  readonly #reclaim: () => void;
  /** Addresses of resting pieces by size / 64, and the sizes of those that there are. */
  readonly #resting = new Array<number[] | null>((MOST_RESTING >> UNIT_BITS) + 1).fill(null);
  readonly #restingSizes: number[] = [];
  readonly #free = new FreeLists(UNIT);
  /** Pieces that are handed out or rest, by address. */
  readonly #taken = new Map<number, Piece>();
  /** The last piece of memory. */
  #last: Piece | null = null;
  #capacity: number;

  constructor({ shared, maximumBytes = MOST_PAGES * PAGE, reclaim = () => {} }: HeapOptions) {
    this.maximumPages = Math.min(MOST_PAGES, Math.floor(maximumBytes / PAGE));
    this.#reclaim = reclaim;
    const initial = Math.min(16, this.maximumPages);
    this.memory = new WebAssembly.Memory(
      shared ? { initial, maximum: this.maximumPages, shared } : { initial, maximum: this.maximumPages },
    );
    this.#capacity = initial * PAGE;
    this.#append(RESERVED, this.#capacity - MARGIN);
  }

  /** Bytes the memory has now. */
  get bytes(): number {
    return this.#capacity;
  }

  /** Bytes that are handed out. Joins what rests. */
  used(): number {
    this.#joinResting();
    return this.#capacity - RESERVED - MARGIN - this.#free.bytes();
  }

  /** The address of `bytes` bytes, a multiple of 64. @throws UnsupportedError when the memory is full */
  allocate(bytes: number): number {
    const size = roomFor(bytes);
    if (size <= MOST_RESTING) {
      const pointer = this.#resting[size >> UNIT_BITS]?.pop();
      if (pointer !== undefined) return pointer;
    }
    return this.#cut(size);
  }

  release(pointer: number, bytes: number): void {
    const size = roomFor(bytes);
    if (size > MOST_RESTING) this.#join(pointer);
    else (this.#resting[size >> UNIT_BITS] ?? this.#addRestingList(size)).push(pointer);
  }

  #addRestingList(size: number): number[] {
    const list: number[] = [];
    this.#resting[size >> UNIT_BITS] = list;
    this.#restingSizes.push(size);
    return list;
  }

  /** Takes `size` bytes from the beginning of a free piece. */
  #cut(size: number): number {
    let piece = this.#free.take(size);
    // behind the last piece in use nothing may have been touched yet: what rests is joined before a large one goes there
    if (piece && piece === this.#last && size >= LARGE) {
      this.#free.add(piece);
      piece = null;
    }
    piece ??= this.#makeRoom(size);
    if (piece.size > size) {
      const rest: Piece = { ...piece, at: piece.at + size, size: piece.size - size, before: piece };
      if (rest.after) rest.after.before = rest;
      else this.#last = rest;
      piece.after = rest;
      piece.size = size;
      this.#free.add(rest);
    }
    this.#taken.set(piece.at, piece);
    return piece.at;
  }

  /** A free piece of `size` bytes after all, taken from its list. */
  #makeRoom(size: number): Piece {
    this.#joinResting();
    let piece = this.#free.take(size);
    if (!piece && !this.#grow(size)) {
      this.#reclaim();
      this.#joinResting();
      piece = this.#free.take(size);
      if (!piece && !this.#grow(size)) throw this.#full(size);
    }
    return piece ?? this.#free.take(size)!;
  }

  #joinResting(): void {
    for (const size of this.#restingSizes) {
      for (const pointer of this.#resting[size >> UNIT_BITS]!) this.#join(pointer);
      this.#resting[size >> UNIT_BITS] = null;
    }
    this.#restingSizes.length = 0;
  }

  /** Makes a piece free, together with its free neighbours. */
  #join(pointer: number): void {
    let piece = this.#taken.get(pointer)!;
    this.#taken.delete(pointer);
    const { before, after } = piece;
    if (after?.free) {
      this.#free.remove(after);
      this.#absorb(piece, after);
    }
    if (before?.free) {
      this.#free.remove(before);
      this.#absorb(before, piece);
      piece = before;
    }
    this.#free.add(piece);
  }

  /** Lengthens a piece by the one behind it. */
  #absorb(piece: Piece, after: Piece): void {
    piece.size += after.size;
    piece.after = after.after;
    if (piece.after) piece.after.before = piece;
    else this.#last = piece;
  }

  /** Makes the bytes `at` … `end` free, which lie behind all others. */
  #append(at: number, end: number): void {
    const last = this.#last;
    if (last?.free) {
      this.#free.remove(last);
      last.size += end - at;
      this.#free.add(last);
      return;
    }
    const piece: Piece = { at, size: end - at, free: false, before: last, after: null, previous: null, next: null };
    if (last) last.after = piece;
    this.#last = piece;
    this.#free.add(piece);
  }

  /** Grows the memory until `size` bytes are free at its end. @returns whether it could */
  #grow(size: number): boolean {
    const capacity = this.#capacity;
    const needed = capacity + size - (this.#last?.free ? this.#last.size : 0);
    if (needed > this.maximumPages * PAGE) return false;
    // an eighth more than asked for, so that a growing program does not grow at every step
    const pages = Math.min(this.maximumPages, Math.ceil(Math.max(needed, capacity * 1.125) / PAGE));
    try {
      this.memory.grow(pages - capacity / PAGE);
    } catch {
      return false;
    }
    this.#capacity = pages * PAGE;
    this.#append(capacity - MARGIN, this.#capacity - MARGIN);
    return true;
  }

  #full(size: number): UnsupportedError {
    const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
    return new UnsupportedError({
      op: "allocate",
      argument: "memory",
      expected: `at most ${Math.floor((this.maximumPages * PAGE) / 2 ** 20)} MiB, the limit of this backend`,
      received: `a request for ${mib(size)} while ${mib(this.used())} are in use`,
      remedy: "Use smaller batches, or checkpoint() parts of the model.",
    });
  }
}
