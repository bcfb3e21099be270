import { checkGradients, valueAndGrad } from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import {
  add,
  concat,
  Generator,
  matmul,
  mul,
  notEqual,
  setDefaultDevice,
  slice,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  zeros,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import {
  type CellState,
  GRU,
  GRUCell,
  HORNN,
  Linear,
  LSTM,
  LSTMCell,
  type Module,
  Recurrent,
  RecurrentCell,
  type RecurrentInput,
  RNN,
  RNNCell,
  type ScanOptions,
} from "../src/index.js";
import { distance, float64, random, values } from "./describe-layer.js";

setDefaultDevice(cpuJs());

// ---- the definitions in plain numbers

type Vector = readonly number[];
/** State after a step: h first, then whatever else. */
type States = readonly Vector[];
type Weights = Readonly<Record<string, Vector>>;

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** Row r of a matrix with rows as long as `x`, times x. */
const product = (matrix: Vector, r: number, x: Vector) =>
  x.reduce((total, value, i) => total + value * matrix[r * x.length + i]!, 0);
const build = (n: number, f: (j: number) => number) => Array.from({ length: n }, (_, j) => f(j));

const steps: Readonly<Record<string, (w: Weights, x: Vector, state: States) => States>> = {
  RNN: (w, x, [h]) => [
    build(h!.length, (j) =>
      Math.tanh(product(w.weightIh!, j, x) + w.biasIh![j]! + product(w.weightHh!, j, h!) + w.biasHh![j]!),
    ),
  ],
  GRU(w, x, [h]) {
    const n = h!.length;
    const own = (k: number, j: number) => product(w.weightIh!, k * n + j, x) + w.biasIh![k * n + j]!;
    const fed = (k: number, j: number) => product(w.weightHh!, k * n + j, h!) + w.biasHh![k * n + j]!;
    return [
      build(n, (j) => {
        const r = sigmoid(own(0, j) + fed(0, j));
        const z = sigmoid(own(1, j) + fed(1, j));
        return (1 - z) * Math.tanh(own(2, j) + r * fed(2, j)) + z * h![j]!;
      }),
    ];
  },
  LSTM(w, x, [h, c]) {
    const n = h!.length;
    const gate = (k: number, j: number) => {
      const row = k * n + j;
      return product(w.weightIh!, row, x) + w.biasIh![row]! + product(w.weightHh!, row, h!) + w.biasHh![row]!;
    };
    const next = build(n, (j) => sigmoid(gate(1, j)) * c![j]! + sigmoid(gate(0, j)) * Math.tanh(gate(2, j)));
    return [build(n, (j) => sigmoid(gate(3, j)) * Math.tanh(next[j]!)), next];
  },
  HORNN(w, x, past) {
    const n = past[0]!.length;
    // W₁ h_{t−1} + W₂ h_{t−2} + …: the matrices stand side by side, so their product takes the states one after the other
    const h = build(n, (j) =>
      Math.tanh(product(w.weightIh!, j, x) + product(w.weightHh!, j, past.flat()) + w.bias![j]!),
    );
    return [h, ...past.slice(0, -1)];
  },
};

/** All layers and directions over one row of its own length; states are listed by cell. */
function reference(kind: string, layer: Module, row: Vector[], initial: readonly States[], directions: number) {
  const parameters = layer.parameters();
  const finals: States[] = [];
  let sequence = row;
  for (let k = 0; k * directions < initial.length; k++) {
    const outputs = Array.from({ length: directions }, (_, direction) => {
      const suffix = `L${k}${direction === 1 ? "Reverse" : ""}`;
      const own = Object.entries(parameters).filter(([name]) => name.endsWith(suffix));
      const weights = Object.fromEntries(own.map(([name, value]) => [name.slice(0, -suffix.length), values(value)]));
      let state = initial[finals.length]!;
      const hidden: Vector[] = [];
      for (let i = 0; i < sequence.length; i++) {
        const t = direction === 1 ? sequence.length - 1 - i : i;
        state = steps[kind]!(weights, sequence[t]!, state);
        hidden[t] = state[0]!;
      }
      finals.push(state);
      return hidden;
    });
    sequence = sequence.map((_, t) => outputs.flatMap((output) => output[t]!));
  }
  return { sequence, finals };
}

interface Runs extends Module {
  forward(x: Tensor, input?: RecurrentInput): { output: Tensor; state: CellState };
}

const kinds: readonly (readonly [
  string,
  (inputs: number, hidden: number, more?: object) => Module,
  readonly string[],
])[] = [
  ["RNN", (inputs, hidden, more) => new RNN(inputs, hidden, { ...float64(), ...more }), ["h"]],
  ["GRU", (inputs, hidden, more) => new GRU(inputs, hidden, { ...float64(), ...more }), ["h"]],
  ["LSTM", (inputs, hidden, more) => new LSTM(inputs, hidden, { ...float64(), ...more }), ["h", "c"]],
  [
    "HORNN",
    (inputs, hidden, more) => new HORNN(inputs, hidden, { order: 3, ...float64(), ...more }),
    ["h", "h2", "h3"],
  ],
];

describe.each(kinds)("%s", (kind, make, names) => {
  const [time, inputs, hidden, lengths] = [4, 2, 3, [4, 2, 0, 1]] as const;
  const options = { layers: 2, bidirectional: true };

  it("is its definition in plain numbers, for rows of any length, in two layers and directions, from a given state", () => {
    const layer = make(inputs, hidden, options) as Runs;
    const x = random([4, time, inputs]);
    const state = Object.fromEntries(names.map((name, i) => [name, random([4, 4, hidden], 20 + i)]));
    const result = layer.forward(x, { state: state as unknown as CellState, lengths });
    expect(Object.keys(result.state)).toEqual(names);
    lengths.forEach((length, n) => {
      const row = build(length, (t) => t).map((t) => values(slice(x, [n, t])));
      const initial = build(4, (cell) => cell).map((cell) =>
        names.map((name) => values(slice(state[name]!, [cell, n]))),
      );
      const { sequence, finals } = reference(kind, layer, row, initial, 2);
      const padding = new Array<number>((time - length) * 2 * hidden).fill(0);
      expect(distance(values(slice(result.output, [n])), [...sequence.flat(), ...padding])).toBeLessThan(1e-13);
      finals.forEach((final, cell) => {
        names.forEach((name, i) => {
          const own = (result.state as unknown as Record<string, Tensor>)[name]!;
          expect(distance(values(slice(own, [cell, n])), final[i]!)).toBeLessThan(1e-13);
        });
      });
    });
  });

  it("takes lengths as a list, a tensor or a mask, and all rows whole without them", () => {
    const layer = make(inputs, hidden, options) as Runs;
    const x = random([4, time, inputs]);
    const expected = values(layer.forward(x, { lengths }).output);
    const counts = tensor(Int32Array.from(lengths));
    expect(values(layer.forward(x, { lengths: counts }).output)).toEqual(expected);
    const bits = lengths.flatMap((length) => build(time, (t) => (t < length ? 1 : 0)));
    const mask = notEqual(tensor(Int32Array.from(bits), { shape: [4, time] }), 0);
    expect(values(layer.forward(x, { mask }).output)).toEqual(expected);
    expect(values(layer.forward(x, { lengths: [time, time, time, time] }).output)).toEqual(
      values(layer.forward(x).output),
    );
  });

  it("has the gradients of central differences by input and initial state, through final states too", () => {
    const layer = make(inputs, 2, { bidirectional: true }) as Runs;
    const states = names.map((_, i) => random([2, 2, 2], 30 + i));
    const report = checkGradients(
      (x, ...initial) => {
        const state = Object.fromEntries(names.map((name, i) => [name, initial[i]!])) as unknown as CellState;
        const result = layer.forward(x!, { state, lengths: [3, 1] });
        const finals = Object.values(result.state) as Tensor[];
        return concat([result.output, ...finals].map((y) => y.reshape([-1])));
      },
      [random([2, 3, inputs]), ...states],
    );
    expect(report.maxError, report.worst).toBeLessThan(1e-8);
  });

  it("gives the reverse direction of a row what it gives the row alone, whatever stands in the padding", () => {
    const layer = make(inputs, hidden, options) as Runs;
    const short = random([1, 2, inputs]);
    const alone = layer.forward(short);
    const padded = layer.forward(concat([short, random([1, 2, inputs], 9).mul(1e3)], 1), { lengths: [2] });
    expect(values(padded.state.h)).toEqual(values(alone.state.h));
    expect(values(slice(padded.output, [null, [0, 2]]))).toEqual(values(alone.output));
  });

  it("names its parameters as PyTorch, and starts them uniform within 1/√hidden", () => {
    const layer = make(inputs, 25, { layers: 2, bidirectional: true });
    const suffixes = ["L0", "L0Reverse", "L1", "L1Reverse"];
    const own = kind === "HORNN" ? ["weightIh", "weightHh", "bias"] : ["weightIh", "weightHh", "biasIh", "biasHh"];
    expect(Object.keys(layer.parameters())).toEqual(suffixes.flatMap((suffix) => own.map((name) => name + suffix)));
    const largest = Math.max(...Object.values(layer.parameters()).flatMap(values).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(0.2);
    expect(largest).toBeGreaterThan(0.195);
    // HORNN's weights of three past states share one range: 1/√(3·25)
    const widest = kind === "HORNN" ? 1 / Math.sqrt(75) : 0.2;
    const recurrent = Math.max(...values(layer.parameters().weightHhL0!).map(Math.abs));
    expect(recurrent).toBeLessThanOrEqual(widest);
    expect(recurrent).toBeGreaterThan(0.95 * widest);
    const gates = { RNN: 1, GRU: 3, LSTM: 4, HORNN: 1 }[kind]!;
    expect(layer.parameters().weightIhL1!.shape).toEqual([gates * 25, 50]);
    expect(layer.parameters().weightHhL0!.shape).toEqual([gates * 25, kind === "HORNN" ? 75 : 25]);
    expect(Object.keys(make(inputs, 2, { bias: false }).parameters())).toEqual(["weightIhL0", "weightHhL0"]);
  });

  it("explains wrong masks, lengths and states", () => {
    const layer = make(inputs, hidden) as Runs;
    const x = random([2, time, inputs]);
    const mask = notEqual(zeros([2, 3]), 0);
    expect(() => layer.forward(x, { mask })).toThrow(`${kind}: mask expects shape [2, 4], but received [2, 3]`);
    expect(() => layer.forward(x, { mask, lengths: [1, 1] })).toThrow(/lengths expects either a mask or lengths/);
    expect(() => layer.forward(x, { lengths: [1, 2, 3] })).toThrow(/lengths expects shape \[2\], but received \[3\]/);
    expect(() => layer.forward(x, { lengths: [1, -1] })).toThrow(/lengths expects integers from 0 to 4/);
    expect(() => layer.forward(x, { lengths: zeros([2]) })).toThrow(/lengths expects int32/);
    const state = Object.fromEntries(names.map((name) => [name, random([1, 3, hidden])])) as unknown as CellState;
    expect(() => layer.forward(x, { state })).toThrow(
      `${kind}: state.h expects shape [1, 2, 3], but received [1, 3, 3]`,
    );
    expect(() => layer.forward(x, { state: {} as CellState })).toThrow(/state expects tensors h/);
    expect(() => layer.forward(random([2, 0, inputs]))).toThrow(/x expects \[n, time, 2\], but received \[2, 0, 2\]/);
    expect(() => make(0, 2)).toThrow(`${kind}: inputs expects a positive integer`);
    expect(() => make(2, 0)).toThrow(`${kind}Cell: hidden expects a positive integer`);
    expect(() => make(2, 2, { layers: 0 })).toThrow(`${kind}: layers expects a positive integer`);
  });
});

describe("recurrent layers", () => {
  it("draw the same dropout from the same stream, between layers only", () => {
    const make = (layers: number) => new GRU(2, 4, { layers, dropout: 0.5, ...float64() });
    const x = random([2, 3, 2]);
    expect(values(make(2).forward(x).output)).toEqual(values(make(2).forward(x).output));
    const single = make(1);
    expect(values(single.forward(x).output)).toEqual(values(single.eval().forward(x).output));
  });

  it("start from zeros in cells that are given no state", () => {
    const x = random([2, 2]);
    const cells = [new RNNCell(2, 3, float64()), new GRUCell(2, 3, float64()), new LSTMCell(2, 3, float64())];
    for (const cell of cells) {
      const zero = random([2, 3]).mul(0);
      const given = (cell as GRUCell).forward(x, { h: zero, c: zero } as CellState);
      expect(values((cell as GRUCell).forward(x).h)).toEqual(values(given.h));
    }
  });
});

describe("Recurrent", () => {
  it("runs a cell of one's own as the layers run theirs", () => {
    const generator = new Generator(3);
    const own = new Recurrent((inputs) => new LSTMCell(inputs, 3, { dtype: "float64", generator }), 2, {
      layers: 2,
      bidirectional: true,
    });
    const lstm = new LSTM(2, 3, { layers: 2, bidirectional: true, ...float64(3) });
    const x = random([3, 4, 2]);
    const [a, b] = [own, lstm].map((layer) => layer.forward(x, { lengths: [4, 1, 3] }));
    expect(values(a!.output)).toEqual(values(b!.output));
    expect(values(a!.state.c)).toEqual(values(b!.state.c));
    expect(Object.keys(own.parameters())[0]).toBe("cells.0.weightIh");
  });
});

describe.each([
  ["LSTMCell", () => new LSTMCell(2, 3, float64())],
  ["GRUCell", () => new GRUCell(2, 3, float64())],
  ["GRUCell without a bias", () => new GRUCell(2, 3, { bias: false, ...float64() })],
] as const)("%s", (_, make) => {
  const everyOther = notEqual(tensor(Int32Array.from([1, 0, 1, 1, 0, 1, 0, 1]), { shape: [2, 4] }), 0);

  it.each<[string, ScanOptions]>([
    ["forwards", {}],
    ["backwards", { reverse: true }],
    ["past padding", { mask: everyOther }],
    ["past padding backwards", { mask: everyOther, reverse: true }],
  ])("scans a sequence %s as step by step, with the same gradients", (_name, options) => {
    const cell = make() as RecurrentCell;
    const x = random([2, 4, 2]);
    const state: CellState = cell.start(2, x);
    const initial = Object.keys(state).map((_name, i) => random([2, 3], 40 + i));
    const run = (scan: RecurrentCell["scan"]) => {
      const loss = () => {
        const named = Object.fromEntries(Object.keys(state).map((name, i) => [name, initial[i]!]));
        const result = scan.call(cell, x, named as unknown as CellState, options);
        const all = concat([result.output, ...(Object.values(result.state) as Tensor[])].map((y) => y.reshape([-1])));
        return sum(mul(all, random([all.size], 50)));
      };
      const { value, grads } = valueAndGrad(loss, [x, ...initial, ...Object.values(cell.parameters())])();
      return [value, ...grads].flatMap(values);
    };
    expect(distance(run(cell.scan), run(RecurrentCell.prototype.scan))).toBeLessThan(1e-13);
  });
});

describe("RNN", () => {
  it("is the book's h = tanh(W₁[x; h] + b₁), y = W₂h + b₂", () => {
    const [rnn, head] = [new RNN(2, 3, float64(1)), new Linear(3, 2, float64(2))];
    const x = random([1, 4, 2]);
    const y = head.forward(rnn.forward(x).output);
    const { weightIhL0, weightHhL0, biasIhL0, biasHhL0 } = rnn.parameters();
    const w1 = concat([weightIhL0!, weightHhL0!], 1);
    let h: Tensor = zeros([1, 3], { dtype: "float64" });
    for (let t = 0; t < 4; t++) {
      const both = concat([slice(x, [null, t]), h], 1);
      h = tanh(add(matmul(both, transpose(w1)), add(biasIhL0!, biasHhL0!)));
      const expected = add(matmul(h, transpose(head.weight)), head.bias!);
      expect(distance(values(slice(y, [null, t])), values(expected))).toBeLessThan(1e-14);
    }
  });

  it("squashes by ReLU if told to", () => {
    const rnn = new RNN(1, 1, { nonlinearity: "relu", ...float64() });
    rnn.loadStateDict({
      weightIhL0: tensor(new Float64Array([2]), { shape: [1, 1] }),
      weightHhL0: tensor(new Float64Array([-1]), { shape: [1, 1] }),
      biasIhL0: tensor(new Float64Array([0.5])),
      biasHhL0: tensor(new Float64Array([0.25])),
    });
    const x = tensor(new Float64Array([1, 2, -3]), { shape: [1, 3, 1] });
    // 2 + 0.75 = 2.75; 4 + 0.75 − 2.75 = 2; −6 + 0.75 − 2 < 0
    expect(values(rnn.forward(x).output)).toEqual([2.75, 2, 0]);
  });
});

describe("HORNN", () => {
  it("of order 1 is an RNN", () => {
    const [hornn, rnn] = [new HORNN(2, 3, { order: 1, ...float64() }), new RNN(2, 3, float64(8))];
    const { weightIhL0, weightHhL0, biasL0 } = hornn.parameters();
    const bias = { biasIhL0: biasL0!, biasHhL0: zeros([3], { dtype: "float64" }) };
    rnn.loadStateDict({ weightIhL0: weightIhL0!, weightHhL0: weightHhL0!, ...bias });
    const x = random([2, 5, 2]);
    expect(distance(values(hornn.forward(x).output), values(rnn.forward(x).output))).toBeLessThan(1e-14);
  });
});
