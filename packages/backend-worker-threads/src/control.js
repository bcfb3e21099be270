// The words that main and workers share, and how one of them takes a piece of work. Plain JavaScript, since the worker
// loads it as it stands.
//
// A job is cut into pieces. TICKET holds the number of the job (upper 19 bits, so that it is not negative) and of the next piece (lower 12); a piece is
// taken by raising it with compare-and-exchange. Before main describes a job it closes the ticket: under the new number, with
// a piece that there never is. A thread that read the description before while main was already writing the next one finds
// another number there and takes nothing; one that meets the closed ticket waits until it is open, and the description whole.

/** Indices of 32-bit words. */
export const TICKET = 0;
/** Pieces finished. */
export const DONE = 1;
/** Workers that sleep on TICKET. */
export const PARKED = 2;
/** 1 when a worker's kernel failed. */
export const FAILED = 3;
/** 1 when workers are to end. */
export const QUIT = 4;
/** The job: its kernel's number, where its code lies, pieces, items, items in a piece, number of arguments. */
export const KERNEL = 5;
export const CODE = 6;
export const CODE_BYTES = 7;
export const PIECES = 8;
export const ITEMS = 9;
export const PIECE_ITEMS = 10;
export const ARGUMENTS = 11;

/** Bytes of the words, and of the arguments behind them (float64); a kernel with more runs on main alone. */
export const WORD_BYTES = 256;
export const MOST_ARGUMENTS = 64;
export const CONTROL_BYTES = WORD_BYTES + 8 * MOST_ARGUMENTS;

export const PIECE_BITS = 12;
const PIECE_MASK = (1 << PIECE_BITS) - 1;

/**
 * The next piece of the job with this ticket base, or −1 when there is none left or another job has begun.
 * @param {Int32Array} words
 * @param {number} job ticket with piece 0
 * @param {number} pieces
 */
export function takePiece(words, job, pieces) {
  for (;;) {
    const ticket = Atomics.load(words, TICKET);
    const piece = ticket & PIECE_MASK;
    if (jobOf(ticket) !== job || piece >= pieces) return -1;
    if (Atomics.compareExchange(words, TICKET, ticket, ticket + 1) === ticket) return piece;
  }
}

/** The number of a ticket's job, as its ticket with piece 0. @param {number} ticket */
export const jobOf = (ticket) => ticket & ~PIECE_MASK;

/**
 * The job that may be worked on, as its ticket with piece 0; 0 while main describes one. Numbers of jobs start at 1.
 * @param {Int32Array} words
 */
export function openJob(words) {
  const ticket = Atomics.load(words, TICKET);
  return (ticket & PIECE_MASK) === PIECE_MASK ? 0 : jobOf(ticket);
}

/**
 * Lets no thread take a piece until the job is opened. @param {Int32Array} words
 * @param {number} job ticket with piece 0
 */
export function closeFor(words, job) {
  Atomics.store(words, TICKET, job | PIECE_MASK);
}
