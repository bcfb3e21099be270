// A worker: waits for jobs, compiles kernels it has not seen, and runs pieces of them. Plain JavaScript, so that bundlers
// and Node take it as it is.
import * as control from "./control.js";

// a turn of the spin takes some nanoseconds; jobs of one training step follow each other within microseconds
const SPINS = 4000;

/** @param {{ memory: WebAssembly.Memory, shared: SharedArrayBuffer }} start */
function work({ memory, shared }) {
  const words = new Int32Array(shared, 0, control.WORD_BYTES / 4);
  // the job's description: addresses beyond 2 GiB are negative as signed words
  const fields = new Uint32Array(shared, 0, control.WORD_BYTES / 4);
  const argumentsOfJob = new Float64Array(shared, control.WORD_BYTES, control.MOST_ARGUMENTS);
  const kernels = new Map();
  let seen = 0;

  for (;;) {
    const job = awaitJob(words, seen);
    if (Atomics.load(words, control.QUIT) === 1) return;
    seen = job;
    const pieces = fields[control.PIECES];
    const items = fields[control.ITEMS];
    const size = fields[control.PIECE_ITEMS];
    const args = Array.from(argumentsOfJob.subarray(0, fields[control.ARGUMENTS]));
    const id = fields[control.KERNEL];
    const code = [fields[control.CODE], fields[control.CODE_BYTES]];
    for (let piece = control.takePiece(words, job, pieces); piece >= 0; piece = control.takePiece(words, job, pieces)) {
      try {
        let kernel = kernels.get(id);
        if (!kernel) {
          kernel = compile(memory, code[0], code[1]);
          kernels.set(id, kernel);
        }
        kernel(piece * size, Math.min(items, (piece + 1) * size), ...args);
      } catch {
        Atomics.store(words, control.FAILED, 1);
      }
      Atomics.add(words, control.DONE, 1);
      Atomics.notify(words, control.DONE);
    }
  }
}

/** The job that is open, once it is another than `seen`: spins for a while, then sleeps. */
function awaitJob(words, seen) {
  for (;;) {
    for (let spin = 0; spin < SPINS; spin++) {
      const job = control.openJob(words);
      if (job !== 0 && job !== seen) return job;
      if (Atomics.load(words, control.QUIT) === 1) return seen;
    }
    const ticket = Atomics.load(words, control.TICKET);
    // a closed ticket is opened within a moment
    if (control.jobOf(ticket) !== seen) continue;
    Atomics.add(words, control.PARKED, 1);
    Atomics.wait(words, control.TICKET, ticket);
    Atomics.sub(words, control.PARKED, 1);
  }
}

function compile(memory, at, bytes) {
  const code = new Uint8Array(memory.buffer, at, bytes).slice();
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { host: { memory } });
  return exports.run;
}

const node = globalThis.process?.getBuiltinModule?.("node:worker_threads");
if (node?.parentPort) {
  node.parentPort.once("message", (start) => {
    node.parentPort.postMessage("ready");
    work(start);
  });
} else {
  globalThis.onmessage = ({ data }) => {
    globalThis.postMessage("ready");
    work(data);
  };
}
