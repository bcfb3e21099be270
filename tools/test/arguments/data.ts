// Valid calls of the functions of data, io and autograd.
import * as autograd from "@neurite/autograd";
import { cast, Generator, mul, sum, type Tensor } from "@neurite/core";
import * as data from "@neurite/data";
import * as io from "@neurite/io";
import { Linear } from "@neurite/layers";
import { type Calls, count, options, some, whole } from "./walk.js";

const image = () => data.hostImage(new Float32Array(12), 2, 2, 3);
const generator = () => new Generator(1);
const sound = () => ({ sampleRate: count(8000), channels: count(1), samples: new Float32Array(4) });
const collate = (items: readonly number[]) => ({
  x: data.stackArrays(
    items.map((x) => [x]),
    [1],
  ),
});
const numbers = () => [1, 2, 3];
const batches = () => options({ batchSize: count(2), collate, shuffle: false, seed: count(1), prefetch: count(1) });
const changed = (change: data.ImageChange) => change(image(), generator());
/** The first item of a stream. */
const first = async (stream: AsyncIterable<unknown>) => {
  for await (const item of stream) return item;
  return null;
};
const { signal } = new AbortController();

export const DATA: Calls = {
  DataLoader: {
    run: (set: never, given: never) => first(new data.DataLoader(set, given)),
    args: () => [data.fromArray(numbers()), options({ ...batches(), shuffle: true, dropLast: true, signal })],
  },
  "DataLoader, its restore": {
    run: (place: never) => new data.DataLoader(data.fromArray(numbers()), { batchSize: 2, collate }).restore(place),
    args: () => [{ epoch: count(0), batch: count(1) }],
  },
  gunzip: { run: data.gunzip, args: () => [new Uint8Array(3), options({ maximumBytes: count(9) })] },
  readIdx: { run: data.readIdx, args: () => [Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 5)] },
  BPETokenizer: {
    run: (merges: never, given: never) => new data.BPETokenizer(merges, given),
    args: () => [[[97, 98]], options({ specials: [] })],
  },
  "BPETokenizer.train": {
    run: data.BPETokenizer.train,
    args: () => ["ab ab", options({ merges: count(1), specials: ["<pad>"] })],
  },
  "BPETokenizer.fromJSON": {
    run: data.BPETokenizer.fromJSON,
    args: () => [{ type: "bpe", version: 1, specials: ["x"], merges: [[98, 98]] }],
  },
  "BPETokenizer, its encode": { run: (text: string) => new data.BPETokenizer([]).encode(text), args: () => ["ab"] },
  "BPETokenizer, its decode": {
    run: (tokens: number[]) => new data.BPETokenizer([]).decode(tokens),
    args: () => [[count(97)]],
  },
  "BPETokenizer, its special": {
    run: (name: string) => new data.BPETokenizer([], { specials: ["a"] }).special(name),
    args: () => ["a"],
  },
  padSequences: { run: data.padSequences, args: () => [[[1], [2, 3]], whole(0), count(2)] },
  stackArrays: { run: data.stackArrays, args: () => [[[1, 2]], [count(2)], "float32"] },
  fromArray: { run: data.fromArray, args: () => [numbers()] },
  mapDataset: { run: data.mapDataset, args: () => [data.fromArray(numbers()), (x: number) => x] },
  randomSplit: { run: data.randomSplit, args: () => [numbers(), [0.5, 0.5], generator()] },
  hostImage: { run: data.hostImage, args: () => [new Float32Array(4), count(2), count(2), count(1)] },
  fromRGBA: {
    run: data.fromRGBA,
    args: () => [{ width: 1, height: 1, data: new Uint8Array(4) }, options({ channels: 3, background: 1 })],
  },
  shiftImage: { run: data.shiftImage, args: () => [image(), whole(1), whole(1), 0] },
  cropImage: { run: data.cropImage, args: () => [image(), whole(0), whole(0), count(1), count(1)] },
  flipHorizontal: { run: data.flipHorizontal, args: () => [image()] },
  flipVertical: { run: data.flipVertical, args: () => [image()] },
  rotateImage: { run: data.rotateImage, args: () => [image(), 3, 0] },
  randomShift: { run: (n: number, fill: number) => changed(data.randomShift(n, fill)), args: () => [count(1), 0] },
  randomCrop: {
    run: (...args: never[]) => changed((data.randomCrop as (...all: never[]) => data.ImageChange)(...args)),
    args: () => [count(1), count(1), options({ padding: count(1), fill: 0 })],
  },
  randomFlip: { run: (p: number, way: never) => changed(data.randomFlip(p, way)), args: () => [0.5, "vertical"] },
  randomRotation: { run: (n: number, fill: number) => changed(data.randomRotation(n, fill)), args: () => [10, 0] },
  gaussianNoise: { run: (n: number) => changed(data.gaussianNoise(n)), args: () => [0.1] },
  cutout: { run: (n: number, fill: number) => changed(data.cutout(n, fill)), args: () => [count(1), 0] },
  colorJitter: {
    run: (given: never) => changed(data.colorJitter(given)),
    args: () => [options({ brightness: 0.1, contrast: 0.1, color: 0.1 })],
  },
  inTurn: { run: (change: never) => changed(data.inTurn(change)), args: () => [data.flipVertical] },
  parseCSV: { run: data.parseCSV, args: () => ["a;b", options({ delimiter: ";" })] },
  parseDigits: { run: data.parseDigits, args: () => [`${"1,".repeat(64)}3`] },
  parseIris: { run: data.parseIris, args: () => ["1,2,3,4,x"] },
  parseLines: { run: data.parseLines, args: () => ["a"] },
  splitWords: { run: data.splitWords, args: () => ["a b"] },
  splitCharacters: { run: data.splitCharacters, args: () => ["ab"] },
  parseCMUdict: { run: data.parseCMUdict, args: () => ["a AH0"] },
  readWav: {
    run: data.readWav,
    args: () => [data.writeWav({ sampleRate: 8000, channels: 1, samples: new Float32Array(2) })],
  },
  writeWav: { run: data.writeWav, args: () => [sound(), "pcm16"] },
  toMono: { run: data.toMono, args: () => [sound()] },
  muLawEncode: { run: data.muLawEncode, args: () => [new Float32Array(2), 255] },
  muLawDecode: { run: data.muLawDecode, args: () => [new Int32Array(2), 255] },
  maskTokens: { run: data.maskTokens, args: () => [numbers(), 0.5, whole(0), generator()] },
  dropTokens: { run: data.dropTokens, args: () => [numbers(), 0.5, generator()] },
  replaceTokens: { run: data.replaceTokens, args: () => [numbers(), 0.5, [whole(0), whole(3)], generator()] },
  addNoise: { run: data.addNoise, args: () => [new Float32Array(2), 0.1, generator()] },
  timeShift: {
    run: data.timeShift,
    args: () => [new Float32Array(4), whole(1), options({ width: count(2), fill: 0 })],
  },
  windows: {
    run: (tokens: never, length: number, stride: number) => data.windows(tokens, length, stride).get(0),
    args: () => [numbers(), count(2), count(1)],
  },
  bucketByLength: {
    run: data.bucketByLength,
    args: () => [
      ["a", "bb"],
      options({
        batchSize: count(1),
        lengthOf: (x: unknown) => (typeof x === "string" ? x.length : 0),
        generator: generator(),
      }),
    ],
  },
  shuffleStream: {
    run: (...args: never[]) => first((data.shuffleStream as (...all: never[]) => AsyncIterable<unknown>)(...args)),
    args: () => [numbers(), count(2), generator()],
  },
  batchStream: {
    run: (source: never, size: number) => first(data.batchStream(source, size)),
    args: () => [numbers(), count(2)],
  },
  prefetchStream: {
    run: (source: never, ahead: number) => first(data.prefetchStream(source, ahead)),
    args: () => [data.batchStream(numbers(), 1), count(1)],
  },
  streamBatches: {
    run: (source: never, given: never) => first(data.streamBatches(source, given)),
    args: () => [numbers(), options({ ...batches(), shuffle: count(2), signal })],
  },
  Vocabulary: { run: (tokens: never) => new data.Vocabulary(tokens), args: () => [["a", "b"]] },
  "Vocabulary.build": { run: data.Vocabulary.build, args: () => [[["a"], ["b"]], count(1)] },
  "Vocabulary, its encode": { run: (tokens: never) => new data.Vocabulary(["a"]).encode(tokens), args: () => [["a"]] },
  "Vocabulary, its decode": {
    run: (tokens: never) => new data.Vocabulary(["a"]).decode(tokens),
    args: () => [[count(4)]],
  },
};

const host = () => ({ dtype: "float32", shape: [count(2)], data: new Float32Array(2) });
async function stored(write: (store: io.Store) => Promise<void>): Promise<io.MemoryStore> {
  const store = new io.MemoryStore();
  await write(store);
  return store;
}

export const IO: Calls = {
  encodeSafetensors: {
    run: io.encodeSafetensors,
    args: () => [options({ tensors: { a: host() }, metadata: { b: "c" } })],
  },
  decodeSafetensors: { run: io.decodeSafetensors, args: () => [io.encodeSafetensors({ tensors: {}, metadata: {} })] },
  writeCheckpoint: {
    run: io.writeCheckpoint,
    args: () => [new io.MemoryStore(), "c", options({ tensors: { a: host() }, state: { b: 1 } })],
  },
  readCheckpoint: {
    run: async (store: io.Store | null, path: string) => {
      const own = await stored((one) => io.writeCheckpoint(one, "c", { tensors: {}, state: 1 }));
      return io.readCheckpoint(store instanceof io.MemoryStore ? own : (store as io.Store), path);
    },
    args: () => [new io.MemoryStore(), "c"],
  },
  MemoryStore: { run: () => new io.MemoryStore(), args: () => [] },
  "MemoryStore, its write": {
    run: (path: string, bytes: Uint8Array) => new io.MemoryStore().write(path, bytes),
    args: () => ["a", new Uint8Array(1)],
  },
  saveWeights: { run: io.saveWeights, args: () => [new io.MemoryStore(), "w", new Linear(1, 1)] },
  loadWeights: {
    run: async (store: io.Store | null, path: string, module: never, given: never) => {
      const own = await stored((one) => io.saveWeights(one, "w", new Linear(1, 1)));
      return io.loadWeights(store instanceof io.MemoryStore ? own : (store as io.Store), path, module, given);
    },
    args: () => [new io.MemoryStore(), "w", new Linear(1, 1), options({ strict: true, rename: { a: "b" } })],
  },
  toHost: { run: io.toHost, args: () => [{ a: some([2]) }] },
  withTensors: { run: io.withTensors, args: () => [{ a: host() }, () => 1] },
};

const x = () => some([2]);
const double = (value: Tensor) => mul(value, 2);
const total = (value: Tensor) => sum(mul(value, value));

export const AUTOGRAD: Calls = {
  checkGradients: {
    run: autograd.checkGradients,
    args: () => [total, [cast(x(), "float64")], options({ step: 1e-2, order: count(1) })],
  },
  checkpoint: {
    run: (fn: never, at: never) => (autograd.checkpoint(fn) as (y: never) => Tensor)(at),
    args: () => [double, x()],
  },
  customOp: {
    run: (definition: never) => autograd.customOp(definition)(some([2])),
    args: () => [
      options({ name: "d", forward: (y: Tensor) => [double(y)], vjp: ({ dy }: { dy: Tensor[] }) => [double(dy[0]!)] }),
    ],
  },
  jacobian: { run: autograd.jacobian, args: () => [double, x()] },
  jvp: { run: autograd.jvp, args: () => [double, x(), x()] },
  vjp: { run: autograd.vjp, args: () => [double, x(), x()] },
  inference: { run: (fn: never) => (autograd.inference(fn) as (y: Tensor) => Tensor)(some([2])), args: () => [double] },
  noGrad: { run: autograd.noGrad, args: () => [() => 1] },
  stopGradient: { run: autograd.stopGradient, args: () => [x()] },
  grad: {
    run: (fn: never, argument: number) => (autograd.grad(fn, argument) as (y: Tensor) => Tensor)(some([2])),
    args: () => [total, count(0)],
  },
  valueAndGrad: {
    run: (fn: never, parameters: never) => autograd.valueAndGrad(fn, parameters),
    args: () => [() => some([]), { a: [x()] }],
  },
};
/** A tape records: `valueAndGrad` makes it. */
export const AUTOGRAD_TRUSTED: readonly string[] = ["Tape"];
export const DATA_TRUSTED: readonly string[] = ["expectDataset"];
