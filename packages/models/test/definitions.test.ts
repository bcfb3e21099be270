/** Models against their definitions in plain numbers. */
import { cpuJs } from "@neurite/backend-cpu-js";
import { add, type Device, Generator, ones, setDefaultDevice, slice, type Tensor, tensor } from "@neurite/core";
import { Identity, withForwardObserver } from "@neurite/layers";
import { beforeEach, describe, expect, it } from "vitest";
import {
  ConvAutoencoder,
  FSMN,
  MLP,
  PaddedShortcut,
  TransformerClassifier,
  TransformerLanguageModel,
  WaveNet,
} from "../src/index.js";
import { distance, float64, random, values } from "./describe-model.js";

let device: Device;
beforeEach(() => {
  device = cpuJs();
  setDefaultDevice(device);
});

const integers = (rows: readonly (readonly number[])[]) =>
  tensor(Int32Array.from(rows.flat()), { shape: [rows.length, rows[0]!.length] });
/** A parameter as nested arrays of its first axis. */
const matrix = (x: Tensor): number[][] => {
  const [rows, data] = [x.shape[0]!, values(x)];
  const width = data.length / rows;
  return Array.from({ length: rows }, (_, i) => data.slice(i * width, (i + 1) * width));
};
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const dense = (x: readonly number[], weight: Tensor, bias: Tensor | null) => {
  const b = bias ? values(bias) : null;
  return matrix(weight).map((row, i) => dot(row, x) + (b?.[i] ?? 0));
};
const relu = (x: readonly number[]) => x.map((value) => Math.max(0, value));

describe("MLP", () => {
  const names = (options: object) => Object.keys(new MLP([3, 5, 4, 2], { ...float64(), ...options }).stateDict());

  it.each([{}, { batchNorm: true }])("names its parameters alike with and without dropout: %j", (options) => {
    expect(names({ ...options, dropout: 0.5 })).toEqual(names(options));
  });

  it.each([
    [{}, [0, 3, 6]],
    [{ batchNorm: true }, [0, 1, 4, 5, 8]],
  ])("loads files in which dropout layers were counted: %j", (options, places) => {
    const net = new MLP([3, 5, 4, 2], { ...float64(), ...options, dropout: 0.5 });
    const own = net.stateDict();
    const at = [...new Set(Object.keys(own).map((name) => Number(name.split(".")[1])))].sort((a, b) => a - b);
    const older = Object.fromEntries(
      Object.entries(own).map(([name, value]) => {
        const older = name.replace(/\d+/, (place) => String(places[at.indexOf(Number(place))]));
        return [older, add(value, 1)];
      }),
    );
    expect(Object.keys(older)).not.toEqual(Object.keys(own));
    const wanted = Object.fromEntries(
      Object.entries(own).map(([name, value]) => [name, values(value).map((x) => x + 1)]),
    );
    net.loadStateDict(older);
    for (const [name, value] of Object.entries(net.stateDict())) expect(values(value), name).toEqual(wanted[name]);
    const { [Object.keys(older)[0]!]: _, ...fewer } = older;
    expect(() => net.loadStateDict(fewer)).toThrow(/missing: layers/);
  });

  it("drops behind each activation, and not behind the logits", () => {
    const net = new MLP([4, 64, 64, 8], { ...float64(), dropout: 0.5, activation: () => new Identity() });
    const x = ones([1, 4], { dtype: "float64" });
    const seen: Tensor[] = [];
    const record = (module: unknown, run: () => unknown) => {
      const y = run();
      if (module === net.dropout) seen.push(y as Tensor);
      return y;
    };
    const logits = withForwardObserver(record, () => net.forward(x));
    expect(seen).toHaveLength(2);
    for (const y of seen) expect(values(y).filter((value) => value === 0).length).toBeGreaterThan(10);
    expect(values(logits).filter((value) => value === 0)).toEqual([]);
    net.eval();
    expect(values(net.forward(x))).toEqual(values(net.layers.forward(x)));
  });

  it("is a_L of z_l = relu(W z_{l−1} + b)", () => {
    const net = new MLP([3, 5, 4, 2], float64());
    const parameters = net.parameters();
    const x = [0.3, -1.2, 2];
    const layer = (name: number, z: readonly number[]) =>
      dense(z, parameters[`layers.${name}.weight`]!, parameters[`layers.${name}.bias`]!);
    const expected = layer(4, relu(layer(2, relu(layer(0, x)))));
    expect(distance(values(net.forward(tensor([x], { dtype: "float64" }))), expected)).toBeLessThan(1e-14);
  });
});

describe("PaddedShortcut", () => {
  it("takes every second position and puts zeros on both sides of the channels", () => {
    const x = random([1, 3, 4, 2]);
    const y = new PaddedShortcut(2, 5, 2).forward(x);
    expect(y.shape).toEqual([1, 2, 2, 5]);
    const data = values(x);
    const at = (i: number, j: number) => [0, data[(i * 4 + j) * 2]!, data[(i * 4 + j) * 2 + 1]!, 0, 0];
    expect(values(y)).toEqual([...at(0, 0), ...at(0, 2), ...at(2, 0), ...at(2, 2)]);
  });
});

describe("FSMN", () => {
  it("remembers h_t + Σ a_i ⊗ h_{t−i} + Σ c_j ⊗ h_{t+j}", () => {
    for (const vector of [true, false]) {
      const options = { inputs: 2, outputs: 3, features: 2, layers: 2, taps: 3, ahead: 2, skip: true, vector };
      const net = new FSMN({ ...options, ...float64() });
      const x = matrix(random([5, 2]));
      let z = x;
      net.layers.forEach((layer) => {
        const h = z.map((row) => relu(dense(row, layer.linear.weight, layer.linear.bias)));
        const [a, c] = [matrix(layer.memory.weight), matrix(layer.ahead!.weight)];
        const tap = (taps: number[][], i: number, k: number) => taps[i]![vector ? k : 0]!;
        z = h.map((now, t) =>
          now.map((value, k) => {
            let sum = value + z[t]![k]!;
            for (let i = 0; i < 3; i++) sum += tap(a, i, k) * (h[t - i]?.[k] ?? 0);
            for (let j = 1; j <= 2; j++) sum += tap(c, j - 1, k) * (h[t + j]?.[k] ?? 0);
            return sum;
          }),
        );
      });
      const expected = z.flatMap((row) => dense(row, net.output.weight, net.output.bias));
      const y = net.forward(tensor([x], { dtype: "float64" }));
      expect(distance(values(y), expected)).toBeLessThan(1e-13);
    }
  });

  it("gives a padded sequence the logits of the sequence alone", () => {
    const net = new FSMN({ inputs: 2, outputs: 3, features: 4, ahead: 2, ...float64() });
    const x = random([1, 5, 2]);
    const mask = tensor([[true, true, true, false, false]]);
    const alone = net.forward(slice(x, [null, [0, 3]]));
    const both = slice(net.forward(x, { mask }), [null, [0, 3]]);
    expect(distance(values(both), values(alone))).toBeLessThan(1e-14);
    expect(() => net.forward(x, { mask: tensor([[true]]) })).toThrow(/mask expects shape \[1, 5\]/);
  });
});

describe("TransformerClassifier", () => {
  it("gives a padded sequence the logits of the sequence alone, and one of padding the bias", () => {
    const options = { tokens: 6, features: 8, heads: 2, layers: 2, feedForward: 8, ...float64() };
    const net = new TransformerClassifier(options, 3).eval();
    const alone = net.forward(integers([[4, 2]]));
    const y = net.forward(
      integers([
        [4, 2, 0, 0],
        [0, 0, 0, 0],
      ]),
    );
    expect(distance(values(slice(y, [[0, 1]])), values(alone))).toBeLessThan(1e-14);
    expect(values(slice(y, [1]))).toEqual(values(net.output.bias!));
    const open = new TransformerClassifier({ ...options, padding: null, ...float64() }, 3).eval();
    expect(distance(values(open.forward(integers([[4, 2]]))), values(alone))).toBeLessThan(1e-14);
    expect(values(open.forward(integers([[4, 2, 0]])))).not.toEqual(values(alone));
  });
});

describe("TransformerLanguageModel", () => {
  it("does not see what comes later", () => {
    const net = new TransformerLanguageModel({ tokens: 6, features: 8, heads: 2, layers: 2, ...float64() }).eval();
    const [a, b] = [
      [1, 2, 3, 4],
      [1, 2, 5, 0],
    ].map((row) => values(net.forward(integers([row]))));
    expect(a!.slice(0, 12)).toEqual(b!.slice(0, 12));
    expect(a!.slice(12, 18)).not.toEqual(b!.slice(12, 18));
  });
});

describe("ConvAutoencoder", () => {
  it("passes through a code of its length", () => {
    const net = new ConvAutoencoder({ size: 12, channels: [3, 4], code: 5, ...float64() });
    const x = random([2, 12, 12, 1]);
    const code = net.encode(x);
    expect(code.shape).toEqual([2, 5]);
    expect(values(net.decode(code))).toEqual(values(net.forward(x)));
    expect(net.forward(x).shape).toEqual([2, 12, 12, 1]);
  });
});

describe("WaveNet", () => {
  const narrow = (size: number, condition = 0) =>
    new WaveNet({ levels: 7, layers: 3, cycles: 2, size, residual: 4, gated: 3, skip: 5, condition, ...float64() });
  const signal = (length: number, n = 1) => {
    const generator = new Generator(2);
    return Array.from({ length: n }, () => Array.from({ length }, () => generator.integer(7)));
  };

  it("is gated dilated convolutions with residual and skip paths", () => {
    const net = narrow(3, 2);
    const [samples] = signal(20);
    const condition = random([1, 20, 2]);
    const c = matrix(slice(condition, [0]));
    const table = matrix(net.embedding.weight);
    let x = samples!.map((sample) => table[sample]!);
    const skips = samples!.map(() => [0, 0, 0, 0, 0]);
    net.layers.forEach((layer, l) => {
      expect(layer.dilation).toBe([1, 2, 4, 1, 2, 4][l]);
      // [3, 4, 6]: taps, the oldest first, inputs, filters
      const [filters, bias] = [values(layer.dilated.weight), values(layer.dilated.bias!)];
      x = x.map((now, t) => {
        const sums = dense(c[t]!, layer.condition!.weight, null).map((share, o) => {
          let sum = share + bias[o]!;
          for (let k = 0; k < 3; k++) {
            const past = x[t - (2 - k) * layer.dilation];
            const taps = [0, 1, 2, 3].map((i) => filters[(k * 4 + i) * 6 + o]!);
            if (past) sum += dot(past, taps);
          }
          return sum;
        });
        const z = [0, 1, 2].map((i) => Math.tanh(sums[i]!) / (1 + Math.exp(-sums[i + 3]!)));
        const skip = dense(z, layer.skip.weight, layer.skip.bias);
        skips[t] = skips[t]!.map((value, i) => value + skip[i]!);
        const out = layer.out ? dense(z, layer.out.weight, layer.out.bias) : [0, 0, 0, 0];
        return now.map((value, i) => value + out[i]!);
      });
    });
    const expected = skips.flatMap((row) => {
      const hidden = dense(relu(row), net.head.weight, net.head.bias);
      return dense(relu(hidden), net.output.weight, net.output.bias);
    });
    expect(distance(values(net.forward(integers([samples!]), { condition })), expected)).toBeLessThan(1e-13);
  });

  it("sees as much as its receptive field says, and nothing that comes later", () => {
    for (const size of [2, 3]) {
      const net = narrow(size);
      const field = 1 + 2 * 7 * (size - 1);
      expect(net.receptiveField).toBe(field);
      const [samples] = signal(field + 3);
      const last = (row: readonly number[]) => values(slice(net.forward(integers([row])), [0, -1]));
      const changed = (at: number) => samples!.with(at, (samples![at]! + 1) % 7);
      expect(last(changed(3))).not.toEqual(last(samples!));
      expect(last(changed(2))).toEqual(last(samples!));
      const [before, after] = [samples!, changed(10)].map((row) => values(net.forward(integers([row]))));
      expect(before!.slice(0, 70)).toEqual(after!.slice(0, 70));
    }
  });

  it("steps to the logits of the whole signal, from any length of prompt", () => {
    for (const [size, context] of [
      [2, {}],
      [3, { condition: random([2, 40, 2]) }],
      [2, { condition: random([2, 1, 2]) }],
    ] as const) {
      const net = narrow(size, "condition" in context ? 2 : 0);
      const rows = signal(40, 2);
      const expected = net.forward(integers(rows), context);
      for (const given of [1, 2, 5, 33]) {
        const encoded = net.encode(integers(rows.map((row) => row.slice(0, given))), {
          ...context,
        });
        let state = net.start(encoded);
        for (let t = given - 1; t < 40; t++) {
          state = net.step(tensor(Int32Array.from(rows, (row) => row[t]!)), state, encoded);
          expect(distance(values(net.logits(state)), values(slice(expected, [null, t])))).toBeLessThan(1e-12);
        }
      }
    }
  });

  it("generates what the whole signal makes likeliest, in the room of its pasts", async () => {
    const net = narrow(2);
    const [prompt] = signal(4);
    const tokens = integers([prompt!]);
    const before = device.memory().storages;
    const [written] = await net.generate(tokens, { steps: 30, temperature: 0 });
    expect(device.memory().storages).toBe(before);
    let sequence = prompt!;
    for (let t = 0; t < 30; t++) {
      const scores = values(slice(net.forward(integers([sequence])), [0, -1]));
      sequence = [...sequence, scores.indexOf(Math.max(...scores))];
    }
    expect(written).toEqual(sequence.slice(4));
    const voices = narrow(2, 2);
    const condition = random([1, 9, 2]);
    expect((await voices.generate(tokens, { steps: 6, condition, generator: new Generator(1) }))[0]).toHaveLength(6);
    await expect(voices.generate(tokens, { steps: 7, condition })).rejects.toThrow(
      /condition expects shape \[1, 10, 2\]/,
    );
    await expect(voices.generate(tokens, { steps: 7 })).rejects.toThrow(/condition expects/);
  });

  it("takes its loss over the samples from the second on", () => {
    const net = narrow(2);
    const rows = signal(6);
    const logits = matrix(slice(net.forward(integers(rows)), [0]));
    const expected = rows[0]!.slice(1).map((sample, t) => {
      const norm = Math.log(logits[t]!.reduce((sum, value) => sum + Math.exp(value), 0));
      return norm - logits[t]![sample]!;
    });
    const mean = expected.reduce((sum, value) => sum + value, 0) / 5;
    expect(net.loss(integers(rows)).itemSync()).toBeCloseTo(mean, 12);
  });
});
