/** Types of control.js. */
export const TICKET: number;
export const DONE: number;
export const PARKED: number;
export const FAILED: number;
export const QUIT: number;
export const KERNEL: number;
export const CODE: number;
export const CODE_BYTES: number;
export const PIECES: number;
export const ITEMS: number;
export const PIECE_ITEMS: number;
export const ARGUMENTS: number;
export const WORD_BYTES: number;
export const MOST_ARGUMENTS: number;
export const CONTROL_BYTES: number;
export const PIECE_BITS: number;
export function takePiece(words: Int32Array, job: number, pieces: number): number;
export const HOST: Readonly<Record<string, (...values: number[]) => number>>;
