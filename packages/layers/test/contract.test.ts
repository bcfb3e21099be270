import { cpuJs } from "@neurite/backend-cpu-js";
import { add, concat, notEqual, setDefaultDevice, type Tensor, tanh, tensor, zeros } from "@neurite/core";
import { expect, it } from "vitest";
import * as layers from "../src/index.js";
import { type CellState, type InitOptions, Linear, Module, type RecurrentInput, UnitDelay } from "../src/index.js";
import { describeLayer, type LayerRow, random } from "./describe-layer.js";

const device = cpuJs();
setDefaultDevice(device);

const integers = (data: number[], shape: number[]) => tensor(Int32Array.from(data), { shape });
const wrongType = [
  /float32 or float64/,
  (layer: { forward(x: Tensor): unknown }) => layer.forward(integers([1, 2], [1, 2])),
] as const;
const boolean = [
  /bool/,
  (layer: { forward(x: Tensor): unknown }) => layer.forward(notEqual(integers([1, 2], [1, 2]), 0)),
] as const;
/** Refuses an input of this shape. */
const wrongShape = (message: RegExp, ...shapes: number[][]) =>
  [
    message,
    (layer: { forward(...xs: Tensor[]): unknown }) => layer.forward(...shapes.map((shape) => random(shape))),
  ] as const;

/** What cells give, state by state side by side. */
const joined = (state: object) => concat(Object.values(state) as Tensor[], 1);
const cellCall =
  (names: readonly string[]) =>
  (cell: { forward(x: Tensor, state: object): object }, [x, ...state]: readonly Tensor[]) =>
    joined(cell.forward(x!, Object.fromEntries(names.map((name, i) => [name, state[i]!]))));

interface Runs {
  forward(x: Tensor, input?: RecurrentInput): { output: Tensor; state: CellState };
}
const runs = (layer: Runs, [x]: readonly Tensor[]) => layer.forward(x!).output;
/** Runs with a mask in which rows end at different places; its rows do not matter here. */
const padded = (layer: Runs, [x]: readonly Tensor[]) =>
  layer.forward(x!, { lengths: [3, 2].slice(0, x!.shape[0]) }).output;

/** A cell of one's own, with a state beside h. */
class Leaky extends layers.RecurrentCell<CellState & { readonly speed: Tensor }> {
  readonly mix: Linear;
  constructor(inputs: number, hidden: number, init: InitOptions) {
    super(inputs, hidden);
    this.mix = new Linear(inputs + hidden, hidden, init);
  }
  forward(x: Tensor, { h, speed } = this.start(x.shape[0]!, x)) {
    const next = speed.mul(0.5).add(tanh(this.mix.forward(concat([x, h], 1))));
    return { h: add(h, next.mul(0.3)), speed: next };
  }
  override start(n: number, x: Tensor) {
    return { h: this.zero(n, x), speed: this.zero(n, x) };
  }
}

/** The block of a loop. */
class Mix extends Module {
  readonly linear: Linear;
  constructor(inputs: number, fed: number, outputs: number, init: InitOptions) {
    super();
    this.linear = new Linear(inputs + fed, outputs, init);
  }
  forward(x: Tensor, fed: Tensor): Tensor {
    return tanh(this.linear.forward(concat([x, fed], 1)));
  }
}
const loop = (init: InitOptions) =>
  new layers.FeedbackLoop(2, 3, new Mix(2, 2, 3, init), [new Linear(3, 2, init), new UnitDelay(2), new UnitDelay(2)]);

const attended = (layer: { forward(...xs: Tensor[]): { context: Tensor } }, xs: readonly Tensor[]) =>
  layer.forward(...xs).context;

const activation = (
  layer: LayerRow["layer"],
  make: () => Module,
  refuses: LayerRow["refuses"] = wrongType,
): LayerRow => ({
  layer,
  make,
  inputs: [[3, 4]],
  output: [3, 4],
  refuses,
});

const rows: readonly LayerRow[] = [
  activation(layers.ReLU, () => new layers.ReLU(), boolean),
  activation(layers.ReLU6, () => new layers.ReLU6(), boolean),
  activation(layers.LeakyReLU, () => new layers.LeakyReLU(), boolean),
  activation(layers.ELU, () => new layers.ELU(0.7), [/elu: operands expects/, wrongType[1]]),
  activation(layers.CELU, () => new layers.CELU(1.5), [
    /CELU: alpha expects a finite number above 0/,
    () => new layers.CELU(0),
  ]),
  activation(layers.Threshold, () => new layers.Threshold(0.1, 2), [
    /limit expects a finite number/,
    () => new layers.Threshold(Number.NaN, 1),
  ]),
  activation(layers.Hardshrink, () => new layers.Hardshrink(0.3), [
    /lambda expects a finite number, 0 or above/,
    () => new layers.Hardshrink(-1),
  ]),
  activation(layers.Softshrink, () => new layers.Softshrink(0.3), [
    /lambda expects a finite number, 0 or above/,
    () => new layers.Softshrink(-1),
  ]),
  activation(layers.Tanhshrink, () => new layers.Tanhshrink()),
  activation(layers.SELU, () => new layers.SELU()),
  activation(layers.GELU, () => new layers.GELU()),
  { ...activation(layers.GELU, () => new layers.GELU("tanh")), variant: "by tanh" },
  activation(layers.Tanh, () => new layers.Tanh()),
  activation(layers.Sigmoid, () => new layers.Sigmoid()),
  activation(layers.LogSigmoid, () => new layers.LogSigmoid()),
  activation(layers.SiLU, () => new layers.SiLU()),
  activation(layers.Mish, () => new layers.Mish()),
  activation(layers.Softplus, () => new layers.Softplus(2), [/beta expects/, () => new layers.Softplus(0)]),
  activation(layers.Softsign, () => new layers.Softsign()),
  activation(layers.Hardsigmoid, () => new layers.Hardsigmoid()),
  activation(layers.Hardswish, () => new layers.Hardswish()),
  activation(layers.Hardtanh, () => new layers.Hardtanh(-0.5, 2), [/high expects/, () => new layers.Hardtanh(1, 1)]),
  activation(layers.Softmax, () => new layers.Softmax(1)),
  activation(layers.LogSoftmax, () => new layers.LogSoftmax()),
  {
    ...activation(layers.GLU, () => new layers.GLU()),
    output: [3, 2],
    refuses: wrongShape(/even length of axis 1/, [2, 3]),
  },
  {
    layer: layers.PReLU,
    make: (init) => new layers.PReLU(4, init),
    inputs: [[3, 4]],
    output: [3, 4],
    refuses: [/channels expects a positive/, () => new layers.PReLU(0)],
  },
  { ...activation(layers.Identity, () => new layers.Identity()), refuses: null },
  {
    layer: layers.Residual,
    make: (init) => new layers.Residual(new Linear(4, 3, init), new Linear(4, 3, init)),
    inputs: [[2, 4]],
    output: [2, 3],
    refuses: [/shortcut expects shape \[1, 3\]/, () => new layers.Residual(new Linear(4, 3)).forward(zeros([1, 4]))],
  },
  {
    layer: layers.Upsample,
    make: () => new layers.Upsample([2, 3]),
    inputs: [[2, 3, 1, 2]],
    output: [2, 6, 3, 2],
    refuses: wrongShape(/2 spatial axes/, [1, 3, 2]),
  },
  {
    layer: layers.Linear,
    make: (init) => new Linear(4, 3, init),
    inputs: [[2, 5, 4]],
    output: [2, 5, 3],
    refuses: wrongShape(/linear: weight expects/, [2, 5]),
  },
  {
    layer: layers.Embedding,
    make: (init) => new layers.Embedding(4, 3, init),
    inputs: [() => integers([0, 3, 3, 1], [2, 2])],
    output: [2, 2, 3],
    refuses: [/integers from 0 to 3/, (layer) => layer.forward(integers([4], [1]))],
  },
  ...[1, 2, 3].flatMap((dimensions): LayerRow[] => {
    const named = layers as unknown as Record<string, new (...args: unknown[]) => Module>;
    const [Conv, Transposed] = [named[`Conv${dimensions}d`]!, named[`ConvTranspose${dimensions}d`]!];
    const [Max, Avg] = [named[`MaxPool${dimensions}d`]!, named[`AvgPool${dimensions}d`]!];
    const [Adaptive, Norm] = [named[`AdaptiveAvgPool${dimensions}d`]!, named[`BatchNorm${dimensions}d`]!];
    const Drop = named[`Dropout${dimensions}d`]!;
    const spatial = (...lengths: number[]) => lengths.slice(0, dimensions);
    return [
      {
        layer: Conv,
        variant: "strided, padded, dilated and in groups",
        make: (init) => new Conv(2, 4, 2, { stride: 2, padding: 1, dilation: 2, groups: 2, ...init }),
        inputs: [[2, ...spatial(5, 3, 2), 2]],
        output: [2, ...spatial(3, 2, 1), 4],
        refuses: wrongShape(/conv/, [1, ...spatial(5, 5, 5), 3]),
      },
      {
        layer: Transposed,
        make: (init) => new Transposed(2, 3, 2, { stride: 2, ...init }),
        inputs: [[2, ...spatial(2, 1, 2), 2]],
        output: [2, ...spatial(4, 2, 4), 3],
        refuses: wrongShape(/convTranspose/, [1, ...spatial(2, 2, 2), 5]),
      },
      {
        layer: Max,
        make: () => new Max(2, { stride: 1 }),
        inputs: [[2, ...spatial(4, 3, 2), 2]],
        output: [2, ...spatial(3, 2, 1), 2],
        refuses: wrongShape(/maxPool/, [1, 2]),
      },
      {
        layer: Avg,
        make: () => new Avg(2, { padding: 1 }),
        inputs: [[2, ...spatial(4, 3, 2), 2]],
        output: [2, ...spatial(3, 2, 2), 2],
        refuses: wrongShape(/avgPool/, [1, 2]),
      },
      {
        layer: Max,
        variant: "with windows that reach beyond the end",
        make: () => new Max(2, { ceilMode: true }),
        inputs: [[2, ...spatial(5, 3, 2), 2]],
        output: [2, ...spatial(3, 2, 1), 2],
        refuses: wrongShape(/maxPool/, [1, 2]),
      },
      {
        layer: Avg,
        variant: "with windows that reach beyond the end",
        make: () => new Avg(3, { stride: 2, padding: 1, ceilMode: true }),
        inputs: [[2, ...spatial(4, 3, 2), 2]],
        output: [2, ...spatial(3, 2, 2), 2],
        refuses: wrongShape(/avgPool/, [1, 2]),
      },
      {
        layer: Adaptive,
        make: () => new Adaptive(2),
        inputs: [[2, ...spatial(5, 3, 2), 2]],
        output: [2, ...spatial(2, 2, 2), 2],
        refuses: wrongShape(/adaptiveAvgPool/, [1, 2]),
      },
      {
        layer: Norm,
        make: (init) => new Norm(3, init),
        inputs: [[4, ...spatial(2, 2, 1), 3]],
        output: [4, ...spatial(2, 2, 1), 3],
        refuses: wrongShape(/BatchNorm/, [4, ...spatial(2, 2, 1), 2]),
        training: "batch",
      },
      {
        layer: Drop,
        make: (init) => new Drop(0.5, init),
        inputs: [[4, ...spatial(3, 2, 2), 5]],
        output: [4, ...spatial(3, 2, 2), 5],
        refuses: wrongShape(/Dropout.d: x expects . axes/, [2, 2]),
        training: "random",
      },
    ];
  }),
  {
    layer: layers.GlobalAvgPool,
    make: () => new layers.GlobalAvgPool(),
    inputs: [[2, 3, 2, 2]],
    output: [2, 2],
    refuses: wrongShape(/globalAvgPool/, [2]),
  },
  {
    layer: layers.BatchNorm,
    make: (init) => new layers.BatchNorm(3, init),
    inputs: [[4, 3]],
    output: [4, 3],
    refuses: wrongShape(/more than one element per channel/, [1, 3]),
    training: "batch",
  },
  {
    layer: layers.LayerNorm,
    make: (init) => new layers.LayerNorm([2, 3], init),
    inputs: [[4, 2, 3]],
    output: [4, 2, 3],
    refuses: wrongShape(/layerNorm/, [4, 3, 2]),
  },
  {
    layer: layers.RMSNorm,
    make: (init) => new layers.RMSNorm(3, init),
    inputs: [[4, 3]],
    output: [4, 3],
    refuses: wrongShape(/rmsNorm/, [4, 2]),
  },
  {
    layer: layers.GroupNorm,
    make: (init) => new layers.GroupNorm(2, 4, init),
    inputs: [[2, 3, 4]],
    output: [2, 3, 4],
    refuses: wrongShape(/groupNorm/, [2, 3, 5]),
  },
  {
    layer: layers.Dropout,
    make: (init) => new layers.Dropout(0.5, init),
    inputs: [[4, 5]],
    output: [4, 5],
    refuses: [/Dropout: p expects a probability/, () => new layers.Dropout(1)],
    training: "random",
  },
  {
    layer: layers.AlphaDropout,
    make: (init) => new layers.AlphaDropout(0.5, init),
    inputs: [[3, 4]],
    output: [3, 4],
    refuses: [/AlphaDropout: p expects a probability/, () => new layers.AlphaDropout(1)],
    training: "random",
  },
  {
    layer: layers.Flatten,
    make: () => new layers.Flatten(),
    inputs: [[2, 3, 4]],
    output: [2, 12],
    refuses: [/Flatten: end expects/, () => new layers.Flatten(2, 1).forward(zeros([1, 2, 3]))],
  },
  {
    layer: layers.Sequential,
    make: (init) => new layers.Sequential(new Linear(3, 4, init), new layers.Tanh(), new Linear(4, 2, init)),
    inputs: [[5, 3]],
    output: [5, 2],
    refuses: wrongShape(/linear: weight expects.*in module 0/, [2, 2]),
  },
  {
    layer: layers.RNNCell,
    make: (init) => new layers.RNNCell(2, 3, init),
    call: cellCall(["h"]),
    inputs: [
      [4, 2],
      [4, 3],
    ],
    output: [4, 3],
    refuses: [/nonlinearity expects tanh or relu/, () => new layers.RNNCell(2, 3, { nonlinearity: "sin" as never })],
  },
  {
    layer: layers.GRUCell,
    make: (init) => new layers.GRUCell(2, 3, init),
    call: cellCall(["h"]),
    inputs: [
      [4, 2],
      [4, 3],
    ],
    output: [4, 3],
    refuses: [/GRUCell: hidden expects/, () => new layers.GRUCell(2, 0)],
  },
  {
    layer: layers.LSTMCell,
    make: (init) => new layers.LSTMCell(2, 3, init),
    call: cellCall(["h", "c"]),
    inputs: [
      [4, 2],
      [4, 3],
      [4, 3],
    ],
    output: [4, 6],
    refuses: [/LSTMCell: inputs expects/, () => new layers.LSTMCell(1.5, 2)],
  },
  {
    layer: layers.HORNNCell,
    make: (init) => new layers.HORNNCell(2, 3, { order: 3, ...init }),
    call: cellCall(["h", "h2", "h3"]),
    inputs: [
      [4, 2],
      [4, 3],
      [4, 3],
      [4, 3],
    ],
    output: [4, 9],
    refuses: [/HORNNCell: order expects/, () => new layers.HORNNCell(2, 3, { order: 0 })],
  },
  {
    layer: layers.FeedbackLoop,
    make: loop,
    call: cellCall(["h", "z1", "z2"]),
    inputs: [
      [4, 2],
      [4, 3],
      [4, 2],
      [4, 2],
    ],
    output: [4, 7],
    refuses: [
      /FeedbackLoop: path expects a UnitDelay.*A cycle without a delay has no value/,
      () => new layers.FeedbackLoop(2, 3, new Mix(2, 3, 3, {}), []),
    ],
  },
  ...[layers.RNN, layers.GRU, layers.LSTM, layers.HORNN].flatMap((Layer): LayerRow[] => {
    const { name } = Layer;
    return [
      {
        layer: Layer,
        make: (init) => new Layer(2, 3, { bias: false, ...init }),
        call: runs,
        inputs: [[2, 3, 2]],
        output: [2, 3, 3],
        refuses: wrongShape(new RegExp(`${name}: x expects \\[n, time, 2\\], but received \\[2, 3\\]`), [2, 3]),
      },
      {
        layer: Layer,
        variant: "stacked, in both directions and padded",
        make: (init) => new Layer(2, 2, { layers: 2, bidirectional: true, ...init }),
        call: padded,
        inputs: [[2, 3, 2]],
        output: [2, 3, 4],
        refuses: [
          /lengths expects integers from 0 to 3/,
          (layer) => layer.forward(random([1, 3, 2]), { lengths: [4] }),
        ],
      },
      {
        layer: Layer,
        variant: "with dropout between layers",
        make: (init) => new Layer(2, 3, { layers: 2, dropout: 0.5, ...init }),
        call: runs,
        inputs: [[2, 3, 2]],
        output: [2, 3, 3],
        refuses: [/p expects a probability/, () => new Layer(2, 3, { dropout: 2 })],
        training: "random",
      },
    ];
  }),
  {
    layer: layers.Recurrent,
    make: (init) => new layers.Recurrent((inputs) => new Leaky(inputs, 3, init), 2, { layers: 2, bidirectional: true }),
    call: padded,
    inputs: [[2, 3, 2]],
    output: [2, 3, 6],
    refuses: [
      /Recurrent: state expects tensors h, speed, but received h/,
      (layer) => layer.forward(random([1, 3, 2]), { state: { h: random([4, 1, 3]) } }),
    ],
  },
  {
    layer: layers.UnitDelay,
    make: () => new UnitDelay(2),
    inputs: [
      [3, 4, 2],
      [3, 1, 2],
    ],
    output: [3, 4, 2],
    refuses: wrongShape(/UnitDelay: x expects \[n, time, 2\]/, [3, 4, 1]),
  },
  {
    layer: layers.TappedDelayLine,
    make: (init) => new layers.TappedDelayLine(2, 3, init),
    inputs: [
      [3, 4, 2],
      [3, 2, 2],
    ],
    output: [3, 4, 2],
    refuses: wrongShape(/TappedDelayLine: past expects shape \[3, 2, 2\]/, [3, 4, 2], [3, 1, 2]),
  },
  {
    layer: layers.TappedDelayLine,
    variant: "vector taps",
    make: (init) => new layers.TappedDelayLine(2, 3, { vector: true, ...init }),
    inputs: [[3, 1, 2]],
    output: [3, 1, 2],
    refuses: [/taps expects a positive integer/, () => new layers.TappedDelayLine(2, 0)],
  },
  ...(["dot", "scaledDot", "bilinear", "additive"] as const).map(
    (score): LayerRow => ({
      layer: layers.Attention,
      variant: score,
      make: (init) => new layers.Attention({ score, queryFeatures: 3, ...init }),
      call: attended,
      inputs: [
        [2, 2, 3],
        [2, 4, 3],
        [2, 4, 2],
      ],
      output: [2, 2, 2],
      refuses: [
        /Attention: score expects dot, scaledDot, bilinear, additive or a function/,
        () => new layers.Attention({ score: "cosine" as never }),
      ],
      ...(score === "bilinear" || score === "additive"
        ? { refuses: [/queryFeatures expects the number/, () => new layers.Attention({ score })] as const }
        : {}),
    }),
  ),
  {
    layer: layers.AdditiveScore,
    make: (init) => new layers.AdditiveScore(3, 2, 4, init),
    inputs: [
      [2, 2, 3],
      [2, 5, 2],
    ],
    output: [2, 2, 5],
    refuses: wrongShape(/linear: weight expects.*in module key/, [2, 2, 3], [2, 2, 3]),
  },
  {
    layer: layers.TapAttention,
    make: (init) => new layers.TapAttention(3, { queryFeatures: 2, keyFeatures: 1, ...init }),
    call: attended,
    inputs: [
      [2, 4, 2],
      [2, 4, 1],
      [2, 4, 2],
    ],
    output: [2, 4, 2],
    refuses: [/queryFeatures expects the number of query features, or a score/, () => new layers.TapAttention(3)],
  },
  {
    layer: layers.ColumnAttention,
    make: (init) => new layers.ColumnAttention({ score: "bilinear", queryFeatures: 3, keyFeatures: 2, ...init }),
    call: attended,
    inputs: [
      [2, 4, 5],
      [2, 3, 5],
      [2, 2, 3],
    ],
    output: [2, 4, 3],
    refuses: wrongShape(/matmul/, [4, 5], [2, 5], [2, 3]),
  },
  {
    layer: layers.ColumnTransformerLayer,
    make: (init) => new layers.ColumnTransformerLayer(4, 2, { keyFeatures: 3, feedForward: 5, ...init }),
    inputs: [[2, 4, 3]],
    output: [2, 4, 3],
    refuses: wrongShape(/x expects \[4, time\] or \[n, 4, time\]/, [3, 4]),
  },
  {
    layer: layers.MultiHeadAttention,
    make: (init) => new layers.MultiHeadAttention(4, 2, init),
    inputs: [
      [2, 2, 4],
      [2, 3, 4],
      [2, 3, 4],
    ],
    output: [2, 2, 4],
    refuses: wrongShape(/query expects \[batch, length, 4\]/, [2, 3, 5]),
  },
  {
    layer: layers.TransformerEncoderLayer,
    make: (init) => new layers.TransformerEncoderLayer(4, 2, { feedForward: 5, ...init }),
    inputs: [[2, 3, 4]],
    output: [2, 3, 4],
    refuses: wrongShape(/in module selfAttn/, [2, 3, 5]),
    training: "random",
  },
  {
    layer: layers.TransformerDecoderLayer,
    make: (init) => new layers.TransformerDecoderLayer(4, 2, { feedForward: 5, normFirst: true, ...init }),
    inputs: [
      [2, 3, 4],
      [2, 2, 4],
    ],
    output: [2, 3, 4],
    refuses: wrongShape(/in module multiheadAttn/, [2, 3, 4], [2, 2, 5]),
    training: "random",
  },
  {
    layer: layers.TransformerEncoder,
    make: (init) => new layers.TransformerEncoder(4, 2, { layers: 2, feedForward: 5, normFirst: true, ...init }),
    inputs: [[2, 3, 4]],
    output: [2, 3, 4],
    refuses: [/layers expects a positive integer/, () => new layers.TransformerEncoder(4, 2, { layers: 0 })],
    training: "random",
  },
  {
    layer: layers.TransformerDecoder,
    make: (init) => new layers.TransformerDecoder(4, 2, { layers: 2, feedForward: 5, ...init }),
    inputs: [
      [2, 3, 4],
      [2, 2, 4],
    ],
    output: [2, 3, 4],
    refuses: [/layers expects a positive integer/, () => new layers.TransformerDecoder(4, 2, { layers: 0.5 })],
    training: "random",
  },
  {
    layer: layers.Transformer,
    make: (init) => new layers.Transformer(4, 2, { encoderLayers: 1, decoderLayers: 1, feedForward: 5, ...init }),
    inputs: [
      [2, 3, 4],
      [2, 2, 4],
    ],
    output: [2, 2, 4],
    refuses: wrongShape(/Transformer: target expects \[2, length, 4\], as many rows/, [2, 3, 4], [1, 2, 4]),
    training: "random",
  },
  {
    layer: layers.SinusoidalEncoding,
    make: () => new layers.SinusoidalEncoding(5),
    inputs: [[2, 3, 5]],
    output: [2, 3, 5],
    refuses: wrongShape(/x expects \[..., time, 5\]/, [2, 3, 4]),
  },
  {
    layer: layers.LearnedEncoding,
    make: (init) => new layers.LearnedEncoding(4, 5, init),
    inputs: [[2, 3, 5]],
    output: [2, 3, 5],
    refuses: wrongShape(/positions from 0 to 3, but received 5 positions from 0 on/, [1, 5, 5]),
  },
  ...(["unit", "ball"] as const).map(
    (form): LayerRow => ({
      layer: layers.WeightNorm,
      variant: form,
      make: (init) => new layers.WeightNorm(new layers.Conv1d(2, 3, 2, init), { form }),
      inputs: [[2, 4, 2]],
      output: [2, 3, 3],
      refuses: [
        /WeightNorm: names expects fields of the layer that hold parameters \(weight, bias\), but received "scale"/,
        () => new layers.WeightNorm(new Linear(2, 2), { names: ["scale"] }),
      ],
    }),
  ),
];

for (const row of rows) describeLayer(device, row);

it("is kept by every exported layer", () => {
  // these are made to be extended: each of their heirs is in the table
  const abstract: unknown[] = [layers.Module, layers.RecurrentCell, layers.RecurrentLayer, layers.GatedCell];
  const exported = Object.entries(layers).filter(
    ([, value]) => typeof value === "function" && (value === Module || value.prototype instanceof Module),
  );
  const missing = exported.filter(([, value]) => !abstract.includes(value) && !rows.some((row) => row.layer === value));
  expect(missing.map(([name]) => name)).toEqual([]);
  expect(exported.length).toBeGreaterThan(70);
});
