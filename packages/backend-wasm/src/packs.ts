/** Matrices as products pack them, kept beside the storage that they were made from: weights are multiplied by again and again. */
import type { Heap } from "./heap.js";
import type { Block } from "./views.js";

/** A matrix in a storage: where it lies, and the packed copy, made at the second use. */
export interface Pack {
  readonly at: number;
  readonly rowStep: number;
  readonly columnStep: number;
  readonly k: number;
  readonly n: number;
  readonly bytes: number;
  used: boolean;
  copy: number | null;
}

/** Largest copy that is kept, in bytes. */
const MOST_KEPT = 2 ** 24;
/** Copies may take this much in all, and an eighth of the memory. */
const ROOM = 2 ** 24;

/** The packed copies of an engine. */
export class Packs {
  #bytes = 0;
  readonly #blocks = new Set<Block>();

  constructor(readonly heap: () => Heap) {}

  /** What is known of a matrix of a storage; null where its copy would be too large to keep. */
  find(
    block: Block,
    at: number,
    rowStep: number,
    columnStep: number,
    k: number,
    n: number,
    bytes: number,
  ): Pack | null {
    if (bytes > MOST_KEPT) return null;
    block.packs ??= [];
    for (const pack of block.packs) {
      if (
        pack.at === at &&
        pack.k === k &&
        pack.n === n &&
        pack.rowStep === rowStep &&
        pack.columnStep === columnStep
      ) {
        return pack;
      }
    }
    const pack: Pack = { at, rowStep, columnStep, k, n, bytes, used: false, copy: null };
    block.packs.push(pack);
    return pack;
  }

  /** Keeps a copy until its storage is freed or written over, if there is room. @returns whether it did */
  keep(block: Block, pack: Pack, copy: number): boolean {
    if (this.#bytes + pack.bytes > ROOM + this.heap().bytes / 8 || !block.packs?.includes(pack)) return false;
    pack.copy = copy;
    this.#bytes += pack.bytes;
    this.#blocks.add(block);
    return true;
  }

  /** Frees the copies of a block that is freed or written over. */
  drop(block: Block): void {
    if (block.packs === null) return;
    for (const { copy, bytes } of block.packs) {
      if (copy === null) continue;
      this.heap().release(copy, bytes);
      this.#bytes -= bytes;
    }
    block.packs = null;
    this.#blocks.delete(block);
  }

  /** Frees all copies. */
  dropAll(): void {
    for (const block of this.#blocks) this.drop(block);
  }
}
