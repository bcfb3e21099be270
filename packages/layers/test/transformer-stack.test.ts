import { cpuJs } from "@neurite/backend-cpu-js";
import { concat, notEqual, setDefaultDevice, slice, type Tensor, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import {
  causalMask,
  LearnedEncoding,
  SinusoidalEncoding,
  sinusoidalTable,
  Transformer,
  TransformerDecoder,
  TransformerEncoder,
} from "../src/index.js";
import { distance, float64, random, values } from "./describe-layer.js";

setDefaultDevice(cpuJs());

const mask = (bits: number[], shape: number[]) => notEqual(tensor(new Int32Array(bits), { shape }), 0);
const options = { feedForward: 6, dropout: 0 };

describe("TransformerEncoder and TransformerDecoder", () => {
  it("run their layers one after the other, each with the masks", () => {
    const encoder = new TransformerEncoder(4, 2, { layers: 3, ...options, ...float64() });
    const x = random([2, 3, 4]);
    const masks = { mask: causalMask(3), keyMask: mask([1, 1, 0, 1, 1, 1], [2, 3]) };
    const expected = encoder.layers.reduce((y, layer) => layer.forward(y, masks), x);
    expect(encoder.norm).toBeNull();
    expect(values(encoder.forward(x, masks))).toEqual(values(expected));
    const decoder = new TransformerDecoder(4, 2, { layers: 2, normFirst: true, ...options, ...float64() });
    const memory = random([2, 5, 4], 2);
    const across = { mask: causalMask(3), memoryKeyMask: mask([1, 1, 1, 0, 0, 1, 1, 1, 1, 1], [2, 5]) };
    const inner = decoder.layers.reduce((y, layer) => layer.forward(y, memory, across), x);
    expect(values(decoder.forward(x, memory, across))).toEqual(values(decoder.norm!.forward(inner)));
  });

  it.each([false, true])(
    "extend a sequence part by part to what it is as a whole (normalising first: %s)",
    (normFirst) => {
      const encoder = new TransformerEncoder(4, 2, { layers: 2, normFirst, ...options, ...float64() });
      const decoder = new TransformerDecoder(4, 2, { layers: 2, normFirst, ...options, ...float64() });
      const [x, memory] = [random([2, 6, 4]), random([2, 5, 4], 2)];
      const memoryKeyMask = mask([1, 1, 1, 0, 0, 1, 1, 1, 1, 1], [2, 5]);
      let [own, across] = [encoder.emptyPasts(2, x), decoder.emptyPasts(2, x)];
      const parts = [
        [0, 2],
        [2, 3],
        [3, 6],
      ].map(([from, to]) => {
        const part = slice(x, [null, [from, to]]);
        const [a, b] = [encoder.extend(part, own), decoder.extend(part, memory, across, { memoryKeyMask })];
        [own, across] = [a.pasts, b.pasts];
        return [a.y, b.y] as const;
      });
      const causal = { mask: causalMask(6) };
      const wholes = [encoder.forward(x, causal), decoder.forward(x, memory, { ...causal, memoryKeyMask })];
      wholes.forEach((whole, i) => {
        const joined = concat(
          parts.map((part) => part[i]!),
          1,
        );
        expect(distance(values(joined), values(whole))).toBeLessThan(1e-12);
      });
      expect(own[1]!.keys.shape).toEqual([2, 2, 6, 2]);
      const [{ selfAttn }] = encoder.layers as [(typeof encoder.layers)[0]];
      expect(() => selfAttn.extend(random([2, 1, 5]), own[0]!)).toThrow(
        /MultiHeadAttention: x expects \[batch, length, 4\]/,
      );
    },
  );

  it("start each layer with values of its own, and name them as PyTorch does", () => {
    const encoder = new TransformerEncoder(4, 2, { layers: 2, ...options, ...float64() });
    const own = encoder.parameters();
    expect(values(own["layers.0.linear1.weight"]!)).not.toEqual(values(own["layers.1.linear1.weight"]!));
    expect(
      Object.keys(new TransformerEncoder(4, 2, { layers: 1, finalNorm: true, ...options }).parameters()),
    ).toContain("norm.weight");
  });
});

describe("Transformer", () => {
  const net = () => new Transformer(4, 2, { encoderLayers: 2, decoderLayers: 2, ...options, ...float64() });

  it("lets the decoder attend to what the encoder makes, heeding every mask", () => {
    const model = net();
    const [source, target] = [random([2, 5, 4], 1), random([2, 3, 4], 2)];
    const sourceKeyMask = mask([1, 1, 1, 0, 0, 1, 1, 1, 1, 1], [2, 5]);
    const targetKeyMask = mask([1, 1, 0, 1, 1, 1], [2, 3]);
    const [sourceMask, targetMask, memoryMask] = [causalMask(5), causalMask(3), mask(new Array(15).fill(1), [3, 5])];
    const masks = { sourceMask, sourceKeyMask, targetMask, targetKeyMask, memoryMask };
    const memory = model.encoder.forward(source, { mask: sourceMask, keyMask: sourceKeyMask });
    const own = { mask: targetMask, keyMask: targetKeyMask };
    const expected = model.decoder.forward(target, memory, { ...own, memoryMask, memoryKeyMask: sourceKeyMask });
    expect(values(model.forward(source, target, masks))).toEqual(values(expected));
  });

  it("does not see padding in the source, nor the target's future", () => {
    const model = net();
    const [source, target] = [random([1, 5, 4], 1), random([1, 3, 4], 2)];
    const masks = { sourceKeyMask: mask([1, 1, 1, 0, 0], [1, 5]), targetMask: causalMask(3) };
    const y = model.forward(source, target, masks);
    const padded = concat([slice(source, [null, [0, 3]]), random([1, 2, 4], 3)], 1);
    expect(distance(values(model.forward(padded, target, masks)), values(y))).toBeLessThan(1e-14);
    const later = concat([slice(target, [null, [0, 2]]), random([1, 1, 4], 4)], 1);
    const early = (z: Tensor) => values(slice(z, [null, [0, 2]]));
    expect(distance(early(model.forward(source, later, masks)), early(y))).toBeLessThan(1e-14);
  });

  it("has PyTorch's numbers of parameters, and starts its matrices Xavier-uniform", () => {
    const model = new Transformer(8, 2, { encoderLayers: 1, decoderLayers: 1, feedForward: 16, ...float64() });
    const count = Object.values(model.parameters()).reduce((total, { size }) => total + size, 0);
    // d = 8, f = 16; attention 4d² + 4d, feed-forward 2df + f + d, norm 2d
    const [attention, feed, norm] = [4 * 64 + 32, 2 * 128 + 24, 16];
    expect(count).toBe(attention + feed + 2 * norm + norm + (2 * attention + feed + 3 * norm + norm));
    const bound = Math.sqrt(6 / (8 + 16));
    const largest = Math.max(...values(model.encoder.layers[0]!.linear1.weight).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.95 * bound);
    const inner = Math.sqrt(6 / (4 * 8));
    expect(Math.max(...values(model.encoder.layers[0]!.selfAttn.inProjWeight).map(Math.abs))).toBeLessThanOrEqual(
      inner,
    );
  });
});

describe("positional encodings", () => {
  it("are the sinusoids of Vaswani et al., at any position and for odd widths", () => {
    const table = values(sinusoidalTable(50, 5, { start: 3, dtype: "float64" }));
    for (let t = 0; t < 50; t++) {
      for (let i = 0; i < 3; i++) {
        const angle = (t + 3) / 10000 ** ((2 * i) / 5);
        expect(table[t * 5 + 2 * i]).toBeCloseTo(Math.sin(angle), 14);
        if (2 * i + 1 < 5) expect(table[t * 5 + 2 * i + 1]).toBeCloseTo(Math.cos(angle), 14);
      }
    }
    expect(sinusoidalTable(0, 4).shape).toEqual([0, 4]);
  });

  it("turn by the same rotation from each step to the next, which lets attention see distances", () => {
    const [data, d] = [values(sinusoidalTable(9, 4, { dtype: "float64" })), 4];
    const product = (a: number, b: number) =>
      data.slice(a * d, a * d + d).reduce((s, v, i) => s + v * data[b * d + i]!, 0);
    expect(product(1, 4)).toBeCloseTo(product(5, 8), 12);
  });

  it("are added to each row, from a start that goes on where a sequence was cut", () => {
    for (const layer of [new SinusoidalEncoding(4), new LearnedEncoding(6, 4, float64())]) {
      const x = random([2, 6, 4]);
      const [a, b] = [slice(x, [null, [0, 4]]), slice(x, [null, [4, 6]])];
      const parts = concat([layer.forward(a), layer.forward(b, 4)], 1);
      expect(values(parts)).toEqual(values(layer.forward(x)));
    }
    const learned = new LearnedEncoding(6, 4, float64());
    const zero = random([1, 2, 4]).mul(0);
    expect(values(learned.forward(zero, 3))).toEqual(values(slice(learned.weight, [[3, 5]])));
  });

  it("refuse positions that there are none of", () => {
    const x = random([1, 2, 4]);
    expect(() => new LearnedEncoding(6, 4, float64()).forward(x, 5)).toThrow(/received 2 positions from 5 on/);
    expect(() => new SinusoidalEncoding(4).forward(x, -1)).toThrow(/start expects an integer from 0 on/);
  });
});
