// Valid calls of core's functions.
import * as core from "@neurite/core";
import { type Calls, count, options, some, whole } from "./walk.js";

const functions = new Map<string, unknown>(Object.entries(core));
const device = () => core.defaultDevice();
const create = () => options({ dtype: "float32", device: device() });
const random = () => options({ dtype: "float32", device: device(), generator: new core.Generator(1) });
const reducing = () => options({ axis: [whole(0)], keepDims: true });
const x = () => some([2, 4]);
const image = (dimensions: number) => some([1, ...new Array<number>(dimensions).fill(6), 2]);
const each = (dimensions: number, value: number) => Array.from({ length: dimensions }, () => count(value));
const filters = (dimensions: number) => some([...new Array<number>(dimensions).fill(3), 2, 2]);
const window = (n: number) =>
  options({ stride: each(n, 2), padding: each(n, 1).map((width) => [width, count(0)]), dilation: each(n, 1) });
const norm = (n: number) => options({ weight: some([n]), bias: some([n]), eps: 1e-5 });

/** By the number of spatial axes. */
function spatial(n: 1 | 2 | 3): Calls {
  const { stride, padding } = window(n);
  const of = (name: string) => functions.get(`${name}${n}d`) as (...args: never[]) => unknown;
  return {
    [`conv${n}d`]: {
      run: of("conv"),
      args: () => [image(n), filters(n), options({ ...window(n), groups: count(1), bias: some([2]) })],
    },
    [`convTranspose${n}d`]: {
      run: of("convTranspose"),
      args: () => [
        image(n),
        filters(n),
        options({ ...window(n), groups: count(1), bias: some([2]), outputPadding: each(n, 1) }),
      ],
    },
    [`maxPool${n}d`]: { run: of("maxPool"), args: () => [image(n), each(n, 2), window(n)] },
    [`avgPool${n}d`]: {
      run: of("avgPool"),
      args: () => [image(n), each(n, 2), options({ stride, padding, countIncludePad: false })],
    },
    [`adaptiveAvgPool${n}d`]: { run: of("adaptiveAvgPool"), args: () => [image(n), each(n, 4)] },
  };
}

/** Elementwise ops of one operand, of two, and of three. */
function elementwise(): Calls {
  const rows = Object.entries(core).filter(([, op]) => typeof op === "function" && "row" in op);
  return Object.fromEntries(
    rows.map(([name, op]) => {
      const { arity } = (op as unknown as core.UnaryOp).row;
      const bools = name.startsWith("logical");
      const operands = () =>
        Array.from({ length: arity }, (_, i) =>
          bools || (name === "where" && i === 0) ? some([2], "bool") : some([2]),
        );
      return [name, { run: op as never, args: operands }];
    }),
  );
}

export const CORE: Calls = {
  ...elementwise(),
  ...spatial(1),
  ...spatial(2),
  ...spatial(3),
  tensor: {
    run: core.tensor,
    args: () => [[1, 2], options({ dtype: "float32", shape: [count(2)], device: device() })],
  },
  "tensor of a typed array": { run: core.tensor, args: () => [new Float32Array(2), options({ dtype: "int32" })] },
  fromHost: { run: core.fromHost, args: () => [new Float32Array(2), "float32", [count(2)], device()] },
  full: { run: core.full, args: () => [[count(2)], 1, create()] },
  zeros: { run: core.zeros, args: () => [[count(2)], create()] },
  ones: { run: core.ones, args: () => [[count(2)], create()] },
  zerosLike: { run: core.zerosLike, args: () => [x()] },
  onesLike: { run: core.onesLike, args: () => [x()] },
  arange: { run: core.arange, args: () => [whole(0), 4, whole(1), options({ dtype: "int32", device: device() })] },
  uniform: { run: core.uniform, args: () => [[count(2)], 0, 1, random()] },
  normal: { run: core.normal, args: () => [[count(2)], 0, 1, random()] },
  randomIntegers: {
    run: core.randomIntegers,
    args: () => [[count(2)], whole(0), whole(4), options({ dtype: "int32", generator: new core.Generator(1) })],
  },
  dropout: { run: core.dropout, args: () => [x(), 0.5, new core.Generator(1)] },
  reshape: { run: core.reshape, args: () => [x(), [whole(4), whole(2)]] },
  squeeze: { run: core.squeeze, args: () => [some([1, 2]), whole(0)] },
  unsqueeze: { run: core.unsqueeze, args: () => [x(), whole(0)] },
  permute: { run: core.permute, args: () => [x(), [whole(1), whole(0)]] },
  transpose: { run: core.transpose, args: () => [x(), whole(0), whole(1)] },
  expand: { run: core.expand, args: () => [some([1, 2]), [whole(3), whole(2)]] },
  slice: { run: core.slice, args: () => [some([4, 4, 4]), [[whole(0), whole(2), whole(1)], whole(1), null]] },
  flip: { run: core.flip, args: () => [x(), [whole(0)]] },
  windows: {
    run: core.windows,
    args: () => [x(), whole(1), options({ size: count(2), stride: count(1), dilation: count(1) })],
  },
  concat: { run: core.concat, args: () => [[x(), x()], whole(0)] },
  stack: { run: core.stack, args: () => [[x(), x()], whole(0)] },
  split: { run: core.split, args: () => [x(), count(2), whole(1)] },
  "split by lengths": { run: core.split, args: () => [x(), [count(1), count(3)], whole(1)] },
  unstack: { run: core.unstack, args: () => [x(), whole(0)] },
  pad: {
    run: core.pad,
    args: () => [x(), [options({ before: count(1), after: count(1), interior: count(1) }), {}], 0],
  },
  cast: { run: core.cast, args: () => [x(), "int32"] },
  copy: { run: core.copy, args: () => [x()] },
  sum: { run: core.sum, args: () => [x(), reducing()] },
  prod: { run: core.prod, args: () => [x(), reducing()] },
  max: { run: core.max, args: () => [x(), reducing()] },
  min: { run: core.min, args: () => [x(), reducing()] },
  mean: { run: core.mean, args: () => [x(), reducing()] },
  any: { run: core.any, args: () => [x(), reducing()] },
  all: { run: core.all, args: () => [x(), reducing()] },
  sumTo: { run: core.sumTo, args: () => [x(), [count(1), count(4)]] },
  argMax: { run: core.argMax, args: () => [x(), whole(0), options({ keepDims: true })] },
  argMin: { run: core.argMin, args: () => [x(), whole(0), options({ keepDims: true })] },
  softmax: { run: core.softmax, args: () => [x(), whole(0)] },
  logSoftmax: { run: core.logSoftmax, args: () => [x(), whole(0)] },
  matmul: { run: core.matmul, args: () => [x(), some([4, 3])] },
  linear: { run: core.linear, args: () => [x(), some([3, 4]), some([3]), options({ activation: "relu" })] },
  gather: { run: core.gather, args: () => [x(), some([3], "int32").mul(0), whole(0)] },
  scatterAdd: { run: core.scatterAdd, args: () => [some([3, 4]), some([3], "int32"), [count(4), count(4)], whole(0)] },
  pick: { run: core.pick, args: () => [x(), some([2], "int32")] },
  crossEntropy: {
    run: core.crossEntropy,
    args: () => [x(), some([2], "int32"), options({ reduction: "mean", ignoreIndex: whole(0), labelSmoothing: 0.1 })],
  },
  batchNorm: { run: core.batchNorm, args: () => [x(), norm(4)] },
  batchNormInference: { run: core.batchNormInference, args: () => [x(), some([4]), some([4]), norm(4)] },
  layerNorm: { run: core.layerNorm, args: () => [x(), options({ ...norm(4), axes: count(1) })] },
  rmsNorm: { run: core.rmsNorm, args: () => [x(), options({ weight: some([4]), eps: 1e-5, axes: count(1) })] },
  groupNorm: { run: core.groupNorm, args: () => [some([2, 3, 4]), count(2), norm(4)] },
  globalAvgPool: { run: core.globalAvgPool, args: () => [image(2)] },
  globalMaxPool: { run: core.globalMaxPool, args: () => [image(2)] },
  attention: { run: core.attention, args: () => [x(), x(), x(), options({ mask: some([2, 2], "bool"), scale: 0.5 })] },
  maskedSoftmax: { run: core.maskedSoftmax, args: () => [x(), some([2, 4], "bool")] },
  lstmCell: { run: core.lstmCell, args: () => [some([2, 12]), some([2, 3])] },
  gruCell: { run: core.gruCell, args: () => [some([2, 9]), some([2, 9]), some([2, 3])] },
  lstm: {
    run: core.lstm,
    args: () => [
      some([2, 2, 4]),
      some([4, 1]),
      { h: some([2, 1]), c: some([2, 1]) },
      options({ reverse: true, mask: some([2, 2], "bool") }),
    ],
  },
  gru: {
    run: core.gru,
    args: () => [
      some([2, 2, 3]),
      some([3, 1]),
      some([2, 1]),
      options({ reverse: true, mask: some([2, 2], "bool"), bias: some([3]) }),
    ],
  },
  elementwise: {
    run: (name: string, inputs: number, scalars: number, build: never) =>
      core.elementwise(name, inputs, scalars, build)([some([2])], [1]),
    args: () => ["twice", count(1), count(1), (a: core.Expression, b: core.Expression) => core.e.mul(a, b)],
  },
  "elementwise, the function it makes": {
    run: core.elementwise("scaled", 1, 1, (a, b) => core.e.mul(a, b)),
    args: () => [[some([2])], [2]],
  },
  scope: { run: core.scope, args: () => [() => null] },
  checkFinite: { run: core.checkFinite, args: () => [() => null] },
  Parameter: {
    run: (initial: core.Tensor, given: object) => new core.Parameter(initial, given),
    args: () => [x(), options({ layout: "out,in" })],
  },
  "Parameter, its assign": { run: (value: core.Tensor) => new core.Parameter(x()).assign(value), args: () => [x()] },
  Buffer: {
    run: (initial: core.Tensor, given: object) => new core.Buffer(initial, given),
    args: () => [x(), options({ layout: "out,in" })],
  },
  Generator: { run: (seed: number) => new core.Generator(seed), args: () => [count(1)] },
  "Generator.from": { run: core.Generator.from, args: () => [{ seed: count(1), counter: count(0) }] },
  "Generator, its integer": { run: (n: number) => new core.Generator(1).integer(n), args: () => [count(1)] },
  "Generator, its permutation": { run: (n: number) => new core.Generator(1).permutation(n), args: () => [count(1)] },
  "Generator, its skip": { run: (n: number) => new core.Generator(1).skip(n), args: () => [count(1)] },
  "Generator, its fork": { run: (label: number) => new core.Generator(1).fork(label), args: () => [whole(1)] },
  manualSeed: { run: core.manualSeed, args: () => [count(1)] },
  restoreGenerator: { run: core.restoreGenerator, args: () => [{ seed: count(1), counter: count(0) }] },
  setDefaultDevice: { run: core.setDefaultDevice, args: () => [device()] },
  "Tensor, its to": { run: (to: core.Device) => x().to(to), args: () => [device()] },
};

/** Exports for those who write ops and backends, who are trusted: they run for every op, or are checks themselves. */
export const CORE_TRUSTED: readonly string[] = [
  // classes that core makes, and errors
  "Device Storage Tensor Scope MapFunction OuterProduct NeuriteError ShapeError DTypeError DeviceError DisposedError",
  "UnsupportedError IndexError ValueError NonFiniteError CheckpointError VersionError isNeuriteError isTensor isParameter",
  // how ops are defined and run
  "defineOp dispatch registerKernel withInterceptor assignResults composite forEachTensor anyEmpty badIndex",
  "freeWhenDropped breathe namedTensors openModule allocateTensor viewOf madeOnHost threefry softmaxGrad defaultDevice defaultGenerator",
  // expressions
  "isExpression call constant input scalar substitute inputsOf formatExpression flatten differentiate",
  // arithmetic on shapes and dtypes
  "sizeOf contiguousStrides isContiguous sameShape formatShape broadcastShapes normalizeAxis normalizeAxes coalesce",
  "fits expectFits castNumber coalesceFor stretchedStrides bytesPerElement isFloat hostArray dtypeOf",
  // checks
  "expectArithmetic expectShape expectSameShape expectFloat expectSameDType expectIndex expectTensor expectTensors expectDevice",
  "expectGenerator expectSynchronous",
].flatMap((names) => names.split(" "));
