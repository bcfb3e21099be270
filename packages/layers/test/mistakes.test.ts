/** What layers are given by mistake, and what they say to it; what the contract's rows refuse is not repeated here. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { notEqual, setDefaultDevice, slice, type Tensor, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import * as layers from "../src/index.js";
import { Linear, LSTM, MultiHeadAttention, TransformerEncoder } from "../src/index.js";
import { float64, random } from "./describe-layer.js";

setDefaultDevice(cpuJs());

const NaN = Number.NaN;
const counts = (...lengths: number[]) => tensor(Int32Array.from(lengths));
const masks = (...shape: number[]) => notEqual(random(shape), 0);
/** A value that its type would not allow. */
const wrong = (value: unknown) => value as never;
const lstm = () => new LSTM(2, 3, float64());
const narrow = { layers: 2, feedForward: 2, ...float64() };

const mistakes: readonly [string, () => unknown, RegExp][] = [
  // recurrent layers and cells
  [
    "lengths of a tensor above the steps",
    () => lstm().forward(random([2, 3, 2]), { lengths: counts(3, 4) }),
    /LSTM: lengths expects integers from 0 to 3, the number of steps, but received 4/,
  ],
  [
    "lengths of a tensor below 0",
    () => lstm().forward(random([2, 3, 2]), { lengths: counts(-1, 3) }),
    /LSTM: lengths expects integers from 0 to 3, the number of steps, but received -1/,
  ],
  [
    "one length for all rows",
    () => lstm().forward(random([2, 3, 2]), { lengths: wrong(3) }),
    /lengths expects integers from 0 to 3.*received number/,
  ],
  [
    "nothing for a sequence",
    () => lstm().forward(wrong(undefined)),
    /LSTM: x expects a tensor, but received undefined/,
  ],
  [
    "a maker of layers",
    () =>
      new layers.Recurrent(
        wrong(() => new Linear(2, 2)),
        2,
      ),
    /make expects a function that returns a RecurrentCell, but received one that returns another module/,
  ],
  [
    "a sequence for a step",
    () => new layers.GRUCell(2, 3, float64()).forward(random([2, 4, 2])),
    /GRUCell: x expects \[n, 2\], but received \[2, 4, 2\].*Recurrent runs it over sequences/,
  ],
  ...[layers.RNNCell, layers.GRUCell, layers.LSTMCell, layers.HORNNCell].map(
    (Cell): [string, () => unknown, RegExp] => [
      `the state of another batch in ${Cell.name}`,
      () => new Cell(2, 3, float64()).forward(random([2, 2]), wrong({ h: random([1, 3]), c: random([1, 3]) })),
      new RegExp(`${Cell.name}: state.h expects shape \\[2, 3\\], but received \\[1, 3\\]`),
    ],
  ),
  // numbers
  ["a negative ε", () => new layers.LayerNorm(3, { eps: -1 }), /LayerNorm: eps expects a finite number, 0 or above/],
  ["a negative ε", () => new layers.RMSNorm(3, { eps: -1 }), /RMSNorm: eps expects a finite number, 0 or above/],
  ["an ε of NaN", () => new layers.GroupNorm(1, 3, { eps: NaN }), /GroupNorm: eps expects.*received NaN/],
  ["an ε of NaN", () => new layers.BatchNorm2d(3, { eps: NaN }), /BatchNorm: eps expects.*received NaN/],
  [
    "Keras' momentum times ten",
    () => new layers.BatchNorm1d(3, { momentum: 9.9 }),
    /BatchNorm: momentum expects a number from 0 to 1/,
  ],
  ["a slope of NaN", () => new layers.LeakyReLU(NaN), /LeakyReLU: slope expects a finite number/],
  ["an α of NaN", () => new layers.ELU(NaN), /ELU: alpha expects a finite number/],
  [
    "percents of dropout",
    () => new MultiHeadAttention(4, 2, { dropout: 10 }),
    /MultiHeadAttention: dropout expects a probability from 0 to below 1, but received 10/,
  ],
  ["an unknown approximation", () => new layers.GELU(wrong("erf")), /GELU: approximate expects none or tanh/],
  [
    "an unknown activation",
    () => new TransformerEncoder(4, 2, { ...narrow, activation: wrong("tanh") }),
    /activation expects relu or gelu, but received "tanh"/,
  ],
  ["no size of a window", () => new layers.MaxPool2d(wrong(undefined)), /MaxPool2d: size expects a positive integer/],
  ["a window of 0", () => new layers.AvgPool1d(0), /AvgPool1d: size expects a positive integer.*received 0/],
  ["no part", () => new layers.AdaptiveAvgPool3d([1, 0, 1]), /outputSize expects a positive integer.*\[1, 0, 1\]/],
  ["no size of filters", () => new layers.Conv2d(1, 1, wrong(undefined)), /Conv2d: size expects a positive integer/],
  ["a table of integers", () => layers.sinusoidalTable(2, 4, { dtype: "int32" }), /dtype expects float32 or float64/],
  ["a table below nothing", () => layers.sinusoidalTable(-1, 4), /sinusoidalTable: shape expects/],
  ["half a position", () => layers.causalMask(1.5), /causalMask: length expects an integer, 0 or above/],
  // attention
  [
    "a mask without its name",
    () => new MultiHeadAttention(4, 2, float64()).forward(random([1, 2, 4]), undefined, undefined, wrong(masks(2, 2))),
    /MultiHeadAttention: masks expects \{ mask, keyMask \}, but received a tensor.*pairs queries and keys/,
  ],
  [
    "queries alone",
    () => new layers.Attention().forward(random([2, 3]), wrong(undefined), wrong(undefined)),
    /Attention: keys expects a tensor, but received undefined/,
  ],
  [
    "pasts of fewer layers",
    () => new TransformerEncoder(4, 2, narrow).extend(random([1, 1, 4]), []),
    /TransformerEncoder: pasts expects one for each of 2 layers, but received 0.*emptyPasts/,
  ],
  // modules and their values
  ["a function for a body", () => new layers.Residual(wrong((x: Tensor) => x)), /Residual: body expects a module/],
  [
    "an activation that Linear does not have",
    () => new Linear(2, 2, { activation: wrong("tanh") }),
    /Linear: activation expects relu, but received "tanh"/,
  ],
  ["no layer", () => new layers.WeightNorm(wrong(undefined)), /WeightNorm: layer expects a module/],
  [
    "another form",
    () => new layers.WeightNorm(new Linear(2, 2), { form: wrong("sphere") }),
    /WeightNorm: form expects unit or ball/,
  ],
  ["an axis that is not there", () => new layers.WeightNorm(new Linear(2, 2), { axis: 2 }), /WeightNorm: axis/],
  [
    "arrays for weights",
    () => new Linear(2, 1).loadStateDict(wrong({ weight: [[1, 2]], bias: [0] })),
    /loadStateDict: weight expects a tensor, but received an array/,
  ],
  ["no weights", () => new Linear(2, 1).loadStateDict(wrong(undefined)), /values expects tensors by name/],
  // initialisers
  ["a negative bound", () => layers.initUniform([2], -1), /initUniform: bound expects a finite number, 0 or above/],
  ["a negative deviation", () => layers.initNormal([2], -1), /initNormal: deviation expects/],
  ["a deviation of NaN", () => layers.initTruncatedNormal([2], NaN), /initTruncatedNormal: deviation expects/],
  ["an unknown fan", () => layers.initKaimingNormal([2, 2], { mode: wrong("avg") }), /mode expects in or out/],
  ["an unknown gain", () => layers.gainOf(wrong("swish")), /gainOf: activation expects linear, sigmoid/],
];

describe("a mistake", () => {
  it.each(mistakes)("is explained: %s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe("numbers that are no tensor", () => {
  const image = [[[[1, 2]]]];
  it.each<[string, layers.Module]>([
    ["Linear", new Linear(2, 2)],
    ["BatchNorm", new layers.BatchNorm(2)],
    ["LayerNorm", new layers.LayerNorm(2)],
    ["Dropout2d", new layers.Dropout2d()],
    ["AlphaDropout", new layers.AlphaDropout()],
    ["Flatten", new layers.Flatten()],
    ["Upsample", new layers.Upsample()],
    ["UnitDelay", new layers.UnitDelay(2)],
    ["Transformer", new layers.Transformer(2, 1, { feedForward: 2, ...float64() })],
    ["SinusoidalEncoding", new layers.SinusoidalEncoding(2)],
    ["GLU", new layers.GLU()],
  ])("are refused by %s, and so is nothing", (_, layer) => {
    const { forward } = layer as Linear;
    expect(() => forward(wrong(image))).toThrow(/expects a tensor, but received an array.*tensor\(\)/);
    expect(() => forward(wrong(new Float32Array(2)))).toThrow(/expects a tensor, but received a Float32Array/);
    expect(() => forward(wrong(undefined))).toThrow(/expects a tensor, but received undefined/);
  });

  it("are found where they arrive, and other failures stay what they are", () => {
    const net = new layers.Sequential(new layers.Sequential(new Linear(2, 2)));
    expect(() => net.forward(wrong([[1, 2]]))).toThrow(/linear: x expects a tensor.*\(in module 0\.0\)/);
    class Broken extends layers.Module {
      forward(inputs: readonly Tensor[]): number {
        return (inputs as never as { nothing: { length: number } }).nothing.length;
      }
    }
    expect(() => new Broken().forward([random([1])])).toThrow(TypeError);
    class Own extends layers.Module {
      forward(_numbers: readonly number[]): never {
        throw new Error("of its own");
      }
    }
    expect(() => new Own().forward([1])).toThrow("of its own");
  });
});

describe("lengths in a view", () => {
  it("are not judged by what the view leaves out", () => {
    const all = counts(2, 9, 1);
    const { output } = lstm().forward(random([1, 3, 2]), { lengths: slice(all, [[0, 1]]) });
    expect(output.shape).toEqual([1, 3, 3]);
  });
});
