/** Free pieces of memory in lists by size: a piece that fits is found without looking at those that do not. */

/** A run of bytes. */
export interface Piece {
  at: number;
  size: number;
  /** Whether it is in a list. */
  free: boolean;
  /** Its neighbours in memory. */
  before: Piece | null;
  after: Piece | null;
  /** Its neighbours in the list. */
  previous: Piece | null;
  next: Piece | null;
}

/** Lists to each power of two, so that sizes in one list differ by an eighth at most. */
const STEPS = 8;
/** Enough for sizes of 2³² units. */
const LISTS = 32 * STEPS;
/** Pieces of one list that are compared for the best fit. */
const COMPARED = 16;

export class FreeLists {
  readonly #first: (Piece | null)[] = new Array<Piece | null>(LISTS).fill(null);
  /** A bit for each list that is not empty. */
  readonly #filled = new Uint32Array(LISTS / 32);

  /** @param unit all sizes are multiples of it */
  constructor(readonly unit: number) {}

  /** Number of the list for a size. */
  #listOf(size: number): number {
    const units = size / this.unit;
    if (units < STEPS) return units;
    const octave = 31 - Math.clz32(units);
    return (octave - 2) * STEPS + (units >>> (octave - 3)) - STEPS;
  }

  add(piece: Piece): void {
    const list = this.#listOf(piece.size);
    const next = this.#first[list]!;
    piece.free = true;
    piece.previous = null;
    piece.next = next;
    if (next) next.previous = piece;
    else this.#filled[list >> 5]! |= 1 << (list & 31);
    this.#first[list] = piece;
  }

  remove(piece: Piece): void {
    const { previous, next } = piece;
    piece.free = false;
    piece.previous = null;
    piece.next = null;
    if (next) next.previous = previous;
    if (previous) {
      previous.next = next;
      return;
    }
    const list = this.#listOf(piece.size);
    this.#first[list] = next;
    if (!next) this.#filled[list >> 5]! &= ~(1 << (list & 31));
  }

  /** Takes a piece of at least `size` bytes out of its list, one that is hardly larger if there is one. */
  take(size: number): Piece | null {
    const list = this.#listOf(size);
    const piece = this.#bestOf(list, size) ?? this.#bestOf(this.#nextFilled(list + 1), size);
    if (piece) this.remove(piece);
    return piece;
  }

  /** Bytes of all pieces. */
  bytes(): number {
    let sum = 0;
    for (const first of this.#first) for (let piece = first; piece; piece = piece.next) sum += piece.size;
    return sum;
  }

  #bestOf(list: number, size: number): Piece | null {
    let best: Piece | null = null;
    let piece = this.#first[list] ?? null;
    for (let i = 0; piece && i < COMPARED; i++) {
      if (piece.size >= size && (!best || piece.size < best.size)) best = piece;
      piece = piece.next;
    }
    return best;
  }

  /** The first list from number `from` on that is not empty, or one that there never is. */
  #nextFilled(from: number): number {
    let word = from >> 5;
    let bits = (this.#filled[word] ?? 0) & (-1 << (from & 31));
    while (bits === 0) {
      if (++word >= this.#filled.length) return LISTS;
      bits = this.#filled[word]!;
    }
    return 32 * word + 31 - Math.clz32(bits & -bits);
  }
}
