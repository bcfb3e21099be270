/**
 * What is measured, as data: every library computes the same from the same weights and inputs. Weights are named and laid
 * out as in neurite: linear [out, in], filters [kh, kw, in, out], images channels last. Read next: `session.ts`, which
 * hands a workload to a process, and `neurite/adapter.ts` and `peers/`, which compute it.
 */
import type { ArraySpec } from "./arrays.js";

export const SUITES = ["kernels", "layers", "training", "dispatch", "memory", "scaling"] as const;
type Suite = (typeof SUITES)[number];

/** How a process is asked: calls after a warm-up, 200 steps of training, or a first use in a fresh process. */
type Mode = "calls" | "memory" | "first";

export interface Workload {
  readonly suite: Suite;
  readonly id: string;
  /** What to compute, from which an adapter chooses its code. */
  readonly kind: string;
  readonly mode: Mode;
  /** Sizes and switches of the kind. */
  readonly options: Readonly<Record<string, number | boolean | string>>;
  /** Trained, or differentiated by where the kind has a backward pass. */
  readonly weights: Readonly<Record<string, ArraySpec>>;
  readonly inputs: Readonly<Record<string, ArraySpec>>;
  /** Floating-point operations of a call. */
  readonly flops: number | null;
  /** Bytes that a call must read and write at least. */
  readonly bytes: number | null;
  /** What the book counts, for `scaling`. */
  readonly work: number | null;
  /** Operations of which `perSecond` counts; 1 where a call is one thing. */
  readonly operations: number;
  /** Left out unless its suite or itself is named. */
  readonly extra: boolean;
}

type Sizes = Readonly<Record<string, readonly number[]>>;
/** A shape with a range: uniform in ±bound, or integers from 0, or from `low`, up to `below`. */
type Range = { readonly shape: readonly number[] } & (
  | { readonly bound: number }
  | { readonly below: number; readonly from?: number }
  | { readonly low: number; readonly high: number }
);

function seeded(arrays: Readonly<Record<string, Range>>, first: number): Record<string, ArraySpec> {
  const entries = Object.entries(arrays).map(([name, array], i): [string, ArraySpec] => {
    const seed = first + i;
    const { shape } = array;
    if ("below" in array) return [name, { shape, low: array.from ?? 0, high: array.below, integer: true, seed }];
    if ("low" in array) return [name, { shape, low: array.low, high: array.high, seed }];
    return [name, { shape, low: -array.bound, high: array.bound, seed }];
  });
  return Object.fromEntries(entries);
}

interface Draft extends Partial<Omit<Workload, "suite" | "id" | "kind" | "weights" | "inputs">> {
  readonly weights?: Readonly<Record<string, Range>>;
  readonly inputs?: Readonly<Record<string, Range>>;
}

function workload(suite: Suite, id: string, kind: string, { weights = {}, inputs = {}, ...rest }: Draft): Workload {
  return {
    suite,
    id,
    kind,
    mode: "calls",
    options: {},
    flops: null,
    bytes: null,
    work: null,
    operations: 1,
    extra: false,
    ...rest,
    weights: seeded(weights, 1),
    inputs: seeded(inputs, 1001),
  };
}

/** Inputs uniform in ±1. */
const unit = (sizes: Sizes): Record<string, Range> =>
  Object.fromEntries(Object.entries(sizes).map(([name, shape]) => [name, { shape, bound: 1 }]));

/** PyTorch's start of a layer: weight and bias in ±1/√inputs. */
const linear = (name: string, out: number, inputs: number): Record<string, Range> => ({
  [`${name}weight`]: { shape: [out, inputs], bound: 1 / Math.sqrt(inputs) },
  [`${name}bias`]: { shape: [out], bound: 1 / Math.sqrt(inputs) },
});
const filters = (name: string, size: readonly number[], channels: number, outs: number): Record<string, Range> => {
  const bound = 1 / Math.sqrt(size.reduce((a, b) => a * b, channels));
  return {
    [`${name}weight`]: { shape: [...size, channels, outs], bound },
    [`${name}bias`]: { shape: [outs], bound },
  };
};
const norm = (name: string, size: number): Record<string, Range> => ({
  [`${name}weight`]: { shape: [size], low: 0.8, high: 1.2 },
  [`${name}bias`]: { shape: [size], bound: 0.1 },
});
const recurrent = (
  name: string,
  suffix: string,
  gates: number,
  inputs: number,
  hidden: number,
): Record<string, Range> => {
  const bound = 1 / Math.sqrt(hidden);
  return {
    [`${name}weightIh${suffix}`]: { shape: [gates * hidden, inputs], bound },
    [`${name}weightHh${suffix}`]: { shape: [gates * hidden, hidden], bound },
    [`${name}biasIh${suffix}`]: { shape: [gates * hidden], bound },
    [`${name}biasHh${suffix}`]: { shape: [gates * hidden], bound },
  };
};

// ---- kernels

const matmuls = [256, 512, 1024, 2048].flatMap((n) =>
  ["", "_AtB", "_ABt"].map((suffix) =>
    workload("kernels", `matmul${n}${suffix}`, "matmul", {
      options: { n, transposeA: suffix === "_AtB", transposeB: suffix === "_ABt" },
      inputs: unit({ a: [n, n], b: [n, n] }),
      flops: 2 * n ** 3,
      extra: n === 2048 || n === 256 || (n === 1024 && suffix !== ""),
    }),
  ),
);

const IMAGES = [8, 56, 56, 64];
const CONVOLUTION_FLOPS = 2 * IMAGES.reduce((a, b) => a * b) * 9 * 64;
const convolution = (id: string, backward: boolean) =>
  workload("kernels", id, "conv", {
    options: { backward },
    weights: { filters: { shape: [3, 3, 64, 64], bound: 1 / 24 } },
    inputs: unit({ x: IMAGES, dy: IMAGES }),
    flops: (backward ? 3 : 1) * CONVOLUTION_FLOPS,
  });

const BIG = [2048, 2048];
const ROWS = [4096, 1024];
const elements = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

const kernels = [
  ...matmuls,
  convolution("conv_fwd", false),
  convolution("conv_fwd_bwd", true),
  ...[true, false].map((fused) =>
    workload("kernels", `tanh(a*b+c)_4M${fused ? "" : "_unfused"}`, fused ? "tanh" : "tanhUnfused", {
      inputs: unit({ a: BIG, b: BIG, c: BIG }),
      bytes: 4 * 4 * elements(BIG),
    }),
  ),
  workload("kernels", "softmax_4096x1024", "softmax", { inputs: unit({ x: ROWS }), bytes: 8 * elements(ROWS) }),
  workload("kernels", "layernorm_4096x1024", "layernorm", {
    weights: norm("", 1024),
    inputs: unit({ x: ROWS }),
    bytes: 8 * elements(ROWS),
  }),
];

// ---- nets: training, forward passes, memory

interface Net extends Draft {
  readonly kind: string;
}

const nets: Readonly<Record<string, Net>> = {
  mlp: {
    kind: "mlp",
    weights: { ...linear("0.", 512, 784), ...linear("2.", 256, 512), ...linear("4.", 10, 256) },
    inputs: { ...unit({ x: [128, 784] }), labels: { shape: [128], below: 10 } },
  },
  cnn: {
    kind: "cnn",
    weights: {
      ...filters("0.", [3, 3], 1, 32),
      ...filters("3.", [3, 3], 32, 64),
      ...linear("7.", 128, 1600),
      ...linear("9.", 10, 128),
    },
    inputs: { ...unit({ x: [64, 28, 28, 1] }), labels: { shape: [64], below: 10 } },
  },
  lstm: {
    kind: "lstm",
    weights: recurrent("", "L0", 4, 128, 256),
    inputs: unit({ x: [32, 32, 128], target: [32, 32, 256] }),
  },
  transformer: {
    kind: "transformer",
    options: { heads: 8 },
    weights: {
      ...linear("linear1.", 1024, 256),
      ...linear("linear2.", 256, 1024),
      "selfAttn.inProjWeight": { shape: [768, 256], bound: 1 / 16 },
      "selfAttn.inProjBias": { shape: [768], bound: 1 / 16 },
      ...linear("selfAttn.outProj.", 256, 256),
      ...norm("norm1.", 256),
      ...norm("norm2.", 256),
    },
    inputs: unit({ x: [8, 64, 256], target: [8, 64, 256] }),
  },
  tiny: {
    kind: "tiny",
    weights: { ...linear("0.", 16, 2), ...linear("2.", 1, 16) },
    inputs: unit({ x: [4, 2], target: [4, 1] }),
  },
};

const translate = workload("training", "translate_train", "translate", {
  options: { learningRate: 3e-3, clipNorm: 1 },
  weights: {
    "sourceEmbedding.weight": { shape: [34, 64], bound: 1 },
    "targetEmbedding.weight": { shape: [31, 64], bound: 1 },
    ...recurrent("encoder.", "L0", 4, 64, 32),
    ...recurrent("encoder.", "L0Reverse", 4, 64, 32),
    ...recurrent("decoder.", "", 4, 128, 64),
    "attention.weight": { shape: [64, 64], bound: 1 / 8 },
    ...linear("output.", 31, 128),
  },
  // token 0 is padding, which the loss leaves out
  inputs: {
    source: { shape: [64, 11], below: 34, from: 1 },
    targetIn: { shape: [64, 19], below: 31, from: 1 },
    targetOut: { shape: [64, 19], below: 31, from: 0 },
  },
});

const training = [
  ...Object.entries(nets).map(([name, { kind, ...net }]) =>
    workload("training", `${name}_train`, kind, {
      ...net,
      options: { ...net.options, learningRate: kind === "tiny" ? 0.1 : 1e-3 },
    }),
  ),
  translate,
];

const memory = Object.entries(nets).map(([name, { kind, ...net }]) =>
  workload("memory", `memory_${name}`, kind, {
    ...net,
    mode: "memory",
    options: { ...net.options, learningRate: kind === "tiny" ? 0.1 : 1e-3 },
  }),
);

// ---- layers: forward and backward of one layer, and whole nets forward

/** Channels of ResNet-18's four stages of two blocks; all but the first halve the sides (He et al. 2016, table 1). */
const RESNET18 = [64, 128, 256, 512];

function resnetWeights(): Record<string, Range> {
  const arrays: Record<string, Range> = {};
  const convolved = (convolution: string, norms: string, size: number, channels: number, outs: number) => {
    // He's start, so that activations neither vanish nor explode
    const bound = Math.sqrt(6 / (size * size * channels));
    arrays[`${convolution}.weight`] = { shape: [size, size, channels, outs], bound };
    Object.assign(arrays, norm(`${norms}.`, outs));
    arrays[`${norms}.runningMean`] = { shape: [outs], bound: 0.1 };
    arrays[`${norms}.runningVar`] = { shape: [outs], low: 0.8, high: 1.2 };
  };
  convolved("conv1", "bn1", 7, 3, 64);
  let channels = 64;
  RESNET18.forEach((outs, stage) => {
    for (const block of [0, 1]) {
      const name = `layer${stage + 1}.${block}`;
      convolved(`${name}.conv1`, `${name}.bn1`, 3, channels, outs);
      convolved(`${name}.conv2`, `${name}.bn2`, 3, outs, outs);
      if (channels !== outs) convolved(`${name}.downsample.0`, `${name}.downsample.1`, 1, channels, outs);
      channels = outs;
    }
  });
  return { ...arrays, ...linear("fc.", 1000, 512) };
}

const forward = [
  ...["mlp", "cnn", "transformer", "lstm"].map((name) => {
    const { kind, ...net } = nets[name]!;
    return workload("layers", `${name}_fwd`, `${kind}Forward`, net);
  }),
  workload("layers", "resnet18_fwd", "resnet18Forward", {
    weights: resnetWeights(),
    inputs: unit({ x: [1, 224, 224, 3] }),
  }),
];

const layer = (id: string, x: Range, y: readonly number[], weights: Record<string, Range>, options = {}) =>
  workload("layers", `${id}_layer`, `${id}Layer`, {
    options,
    weights,
    inputs: { x, ...unit({ dy: y }) },
    flops: null,
  });
const batch = (...shape: number[]): Range => ({ shape, bound: 1 });

const layers = [
  layer("linear", batch(128, 512), [128, 512], linear("", 512, 512)),
  layer("conv1d", batch(16, 256, 64), [16, 256, 64], filters("", [3], 64, 64)),
  layer("conv2d", batch(16, 28, 28, 32), [16, 28, 28, 64], filters("", [3, 3], 32, 64)),
  layer("maxPool2d", batch(16, 56, 56, 32), [16, 28, 28, 32], {}),
  layer("batchNorm", batch(16, 28, 28, 64), [16, 28, 28, 64], norm("", 64)),
  layer("layerNorm", batch(512, 256), [512, 256], norm("", 256)),
  layer("embedding", { shape: [64, 32], below: 1000 }, [64, 32, 64], { weight: { shape: [1000, 64], bound: 1 } }),
  layer("lstm", batch(16, 16, 64), [16, 16, 128], recurrent("", "L0", 4, 64, 128)),
  layer("gru", batch(16, 16, 64), [16, 16, 128], recurrent("", "L0", 3, 64, 128)),
  layer(
    "attention",
    batch(8, 64, 128),
    [8, 64, 128],
    {
      inProjWeight: { shape: [384, 128], bound: 0.1 },
      inProjBias: { shape: [384], bound: 0.1 },
      ...linear("outProj.", 128, 128),
    },
    { heads: 4 },
  ),
];

// ---- dispatch: tensors so small that arithmetic does not count

export const CHAIN = 100;
const dispatch = [
  ...["add", "add_scalar", "relu", "grad"].map((op) =>
    workload("dispatch", `${op}_16x${CHAIN}`, "dispatch", {
      options: { op },
      weights: op === "grad" ? { w: { shape: [16], low: 0.99, high: 1.01 } } : {},
      inputs: unit({ x: [16], y: [16] }),
      operations: CHAIN,
    }),
  ),
  workload("dispatch", "first_use_mlp", "first", { mode: "first" }),
];

// ---- scaling: time against the work that the book counts, and against threads

const scaled = (id: string, kind: string, work: number, weights: Draft["weights"], x: number[]) =>
  workload("scaling", id, kind, {
    weights: weights ?? {},
    inputs: unit({ x }),
    work,
    flops: 2 * work,
  });

/** Rows of a batch: enough that a call is arithmetic, not dispatch. */
const LINEAR_BATCH = 64;

const scaling = [
  ...[
    [128, 128],
    [128, 512],
    [512, 256],
    [512, 1024],
    [1024, 1024],
    [2048, 1024],
    [2048, 2048],
  ].map(([n, d]) =>
    scaled(`full_n${n}_d${d}`, "scaledLinear", LINEAR_BATCH * n! * d!, linear("", n!, d!), [LINEAR_BATCH, d!]),
  ),
  ...[
    [1024, 3],
    [1024, 9],
    [4096, 9],
    [4096, 27],
    [16384, 27],
    [16384, 81],
  ].map(([d, f]) =>
    scaled(`conv1d_d${d}_f${f}`, "scaledConv1d", d! * f! * 16 * 16, filters("", [f!], 16, 16), [1, d!, 16]),
  ),
  ...[
    [16, 3, 16, 16],
    [32, 3, 16, 16],
    [32, 5, 16, 16],
    [32, 3, 32, 32],
    [64, 3, 32, 32],
    [64, 5, 32, 32],
    [64, 3, 64, 64],
    [64, 5, 64, 64],
  ].map(([d, f, p, k]) =>
    scaled(
      `conv2d_d${d}_f${f}_p${p}_k${k}`,
      "scaledConv2d",
      d! * d! * f! * f! * p! * k!,
      filters("", [f!, f!], p!, k!),
      [1, d!, d!, p!],
    ),
  ),
  { ...matmuls.find(({ id }) => id === "matmul1024")!, suite: "scaling", id: "threads_matmul1024", extra: false },
  ...["mlp", "cnn", "lstm", "transformer"].map((name) => ({
    ...training.find(({ id }) => id === `${name}_train`)!,
    suite: "scaling",
    id: `threads_${name}_train`,
  })),
] as readonly Workload[];

/** The ids of `--quick`. */
export const QUICK = ["tiny_train", "mlp_train", "matmul512", "transformer_train", "lstm_train", "cnn_train"];

export const WORKLOADS: readonly Workload[] = [
  ...kernels,
  ...forward,
  ...layers,
  ...training,
  ...dispatch,
  ...memory,
  ...scaling,
];
