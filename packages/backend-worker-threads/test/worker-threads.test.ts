import { Worker } from "node:worker_threads";
import { valueAndGrad } from "@neurite/autograd";
import { wasm } from "@neurite/backend-wasm";
import { workerThreads } from "@neurite/backend-worker-threads";
import {
  add,
  conv2d,
  cos,
  type Device,
  e,
  elementwise,
  fromHost,
  Generator,
  groupNorm,
  gru,
  linear,
  lstm,
  lstmCell,
  matmul,
  mod,
  normal,
  pow,
  relu,
  scope,
  sin,
  softmax,
  square,
  sum,
  type Tensor,
  tanh,
  zeros,
} from "@neurite/core";
import { afterEach, describe, expect, it, vi } from "vitest";

const open: Device[] = [];
async function start(options: Parameters<typeof workerThreads>[0]): Promise<Device> {
  const device = await workerThreads(options);
  open.push(device);
  return device;
}
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(open.splice(0).map((device) => device.close()));
});

const drawn = new Map<number, Float32Array>();

/** Normal numbers, the same for each seed; drawn once, which is most of the work. */
function random(device: Device, shape: number[], seed: number): Tensor {
  let data = drawn.get(seed);
  if (!data) {
    data = normal(shape, 0, 1, { device, generator: new Generator(seed) }).dataSync() as Float32Array;
    drawn.set(seed, data);
  }
  return fromHost(data, "float32", shape, device);
}

/** Outputs and gradients of recurrent layers over three steps. */
function sequences(device: Device): Tensor[] {
  const h = random(device, [65, 128], 20);
  const [gates, parts] = [random(device, [3, 65, 512], 21), random(device, [3, 65, 384], 22)];
  const weights = [random(device, [512, 128], 23), random(device, [384, 128], 24)] as const;
  const both = (a: Tensor, b: Tensor) => add(lstm(gates, a, { h, c: h }).output, gru(parts, b, h).output);
  const { grads } = valueAndGrad((...given: typeof weights) => sum(square(both(...given))), weights)(...weights);
  return [both(...weights), ...grads];
}

/** Enough work that every kernel is cut into pieces. */
function compute(device: Device): Float32Array[] {
  return scope(() => {
    const x = random(device, [301, 257], 1);
    const w = random(device, [257, 263], 2);
    const results: Tensor[] = [
      tanh(random(device, [100_003], 3)),
      add(x, random(device, [257], 4)),
      matmul(x, w),
      linear(x, random(device, [129, 257], 5), random(device, [129], 6)),
      softmax(x),
      ...[sin, cos].map((op) => op(random(device, [100_003], 3))),
      ...[mod, pow].map((op) => op(square(random(device, [100_003], 3)), random(device, [100_003], 9))),
      conv2d(random(device, [4, 20, 21, 24], 11), random(device, [3, 3, 8, 36], 12), { groups: 3, dilation: 2 }),
      groupNorm(random(device, [4, 3001, 24], 10), 6),
      sum(x, { axis: 0 }),
      sum(x, { axis: 1 }),
      lstmCell(random(device, [301, 512], 7), random(device, [301, 128], 8)).h,
      ...sequences(device),
    ];
    return results.map((result) => result.dataSync() as Float32Array) as never;
  });
}

/** Positions of the arrays that differ in a bit; comparing bytes is a hundred times faster than `toEqual`. */
function differing(actual: readonly Float32Array[], expected: readonly Float32Array[]): number[] {
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);
  return expected.flatMap((array, i) => (actual[i] && bytes(actual[i]).equals(bytes(array)) ? [] : [i]));
}

describe("workerThreads", () => {
  it("gives the bits of one thread, whatever their number", async () => {
    const expected = compute(wasm());
    for (const threads of [1, 2, 3]) {
      const device = await start({ threads });
      // several times: pieces fall to other threads each time
      for (let i = 0; i < 5; i++) expect(differing(compute(device), expected), `${threads} threads`).toEqual([]);
    }
  });

  it("goes on without workers that ended while they had no work", async () => {
    const terminate = captureWorkers();
    const device = await start({ threads: 3 });
    await terminate();
    expect(differing(compute(device), compute(wasm()))).toEqual([]);
  });

  it("throws instead of hanging when a worker takes work and dies", async () => {
    const messages: { shared: SharedArrayBuffer }[] = [];
    captureWorkers((message) => messages.push(message as { shared: SharedArrayBuffer }));
    const device = await start({ threads: 2, patience: 200 });
    const control = new URL("../src/control.js", import.meta.url).href;
    const thief = new Worker(
      `import("${control}").then((control) => {
        const { parentPort, workerData } = require("node:worker_threads");
        const words = new Int32Array(workerData, 0, control.WORD_BYTES / 4);
        parentPort.postMessage("ready");
        for (;;) {
          const job = control.openJob(words);
          if (job !== 0 && control.takePiece(words, job, words[control.PIECES]) >= 0) return;
        }
      });`,
      { eval: true, workerData: messages[0]!.shared },
    );
    await new Promise((resolve) => thief.once("message", resolve));
    expect(() => {
      for (let i = 0; i < 1000; i++) compute(device);
    }).toThrow(/no progress for 200 ms: it crashed or was killed/);
    expect(() => compute(device)).toThrow(/Create a new device/);
    await thief.terminate();
  }, 30_000);

  it("computes with more operands than a job can describe", async () => {
    const device = await start({ threads: 2 });
    // and the address of the result
    const count = 64;
    const total = elementwise("sumOfMany", count, 0, (...xs) => xs.reduce((a, b) => e.add(a, b)));
    const x = zeros([100_000], { device }).add(1);
    const y = total(Array.from({ length: count }, () => x)).dataSync();
    expect([y[0], y[50_000], y[99_999]]).toEqual([count, count, count]);
  });

  it("lets no late thread take a piece of a job that is over", async () => {
    const messages: { shared: SharedArrayBuffer }[] = [];
    captureWorkers((message) => messages.push(message as { shared: SharedArrayBuffer }));
    const device = await start({ threads: 2 });
    const control = new URL("../src/control.js", import.meta.url).href;
    // a worker that is late: it reads the ticket, and the rest of the job when main may have gone on. The pieces it takes
    // it only counts as done, since nobody looks at the results; but main must be waiting for them
    const late = new Worker(
      `import("${control}").then((control) => {
        const { parentPort, workerData } = require("node:worker_threads");
        const words = new Int32Array(workerData, 0, control.WORD_BYTES / 4);
        const until = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };
        let taken = 0, phantoms = 0, delay = 0;
        parentPort.postMessage("ready");
        while (Atomics.load(words, control.QUIT) === 0) {
          const job = control.openJob(words);
          if (job === 0) continue;
          delay = (delay + 7) % 200;
          for (let i = 0; i < delay; i++) Atomics.load(words, control.DONE);
          if (control.takePiece(words, job, words[control.PIECES]) < 0) continue;
          taken++;
          until(0.05);
          if (control.jobOf(Atomics.load(words, control.TICKET)) !== job) phantoms++;
          else {
            Atomics.add(words, control.DONE, 1);
            Atomics.notify(words, control.DONE);
          }
        }
        parentPort.postMessage({ taken, phantoms });
      });`,
      { eval: true, workerData: messages[0]!.shared },
    );
    await new Promise((resolve) => late.once("message", resolve));
    const [few, many] = [40_000, 200_000].map((size) => zeros([size], { device }));
    const end = performance.now() + 1500;
    while (performance.now() < end) for (const x of [few!, many!]) relu(x).dispose();
    const counted = new Promise((resolve) => late.once("message", resolve));
    await device.close();
    expect(await counted).toEqual({ taken: expect.any(Number), phantoms: 0 });
    await late.terminate();
  }, 30_000);

  it("sleeps while there is nothing to do", async () => {
    const device = await start({ threads: 3 });
    compute(device);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { user, system } = process.cpuUsage(before);
    // two busy loops would have used 800 ms
    expect((user + system) / 1000).toBeLessThan(200);
  });

  it("refuses work after close, and to be started with no thread", async () => {
    const device = await start({ threads: 2 });
    await device.close();
    await device.close();
    expect(() => compute(device)).toThrow(/closed/);
    await expect(workerThreads({ threads: 0 })).rejects.toThrow(/threads expects an integer from 1/);
  });

  it("names backend-wasm where memory cannot be shared", async () => {
    vi.stubGlobal("SharedArrayBuffer", undefined);
    await expect(workerThreads({ threads: 2 })).rejects.toThrow(/cross-origin isolated.*@neurite\/backend-wasm/s);
    vi.unstubAllGlobals();
  });
});

/** Notes the workers that are started from here on; returns a function that ends them. */
function captureWorkers(onMessage: (message: unknown) => void = () => {}): () => Promise<unknown> {
  const started: Worker[] = [];
  const builtin = process.getBuiltinModule;
  vi.spyOn(process, "getBuiltinModule").mockImplementation(((name: string) => {
    const module = builtin.call(process, name as "node:worker_threads");
    if (name !== "node:worker_threads") return module;
    class Captured extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        started.push(this);
      }
      override postMessage(message: unknown): void {
        onMessage(message);
        super.postMessage(message);
      }
    }
    return { ...module, Worker: Captured };
  }) as typeof builtin);
  return () => Promise.all(started.map((worker) => worker.terminate()));
}
