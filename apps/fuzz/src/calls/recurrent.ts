/** Recurrent cells and whole sequences. */
import { gru, gruCell, lstm, lstmCell, type Tensor } from "@neurite/core";
import * as fc from "fast-check";
import { type Arguments, type Call, callsOf, scaled } from "../call.js";
import { type Oddity, oddities, tensors } from "../tensors.js";

interface Sequence {
  readonly reverse: boolean;
}

const sizes = fc.record({
  time: fc.integer({ min: 1, max: 5 }),
  n: fc.integer({ min: 1, max: 5 }),
  hidden: fc.constantFrom(1, 2, 3, 4, 5, 8, 16),
});

const float = (shape: number[], oddity: Oddity = "ordinary") => tensors(shape, "float32", oddity);

function sequence(gates: 3 | 4): fc.Arbitrary<Arguments<Sequence>> {
  return fc
    .tuple(sizes, fc.boolean(), fc.boolean(), oddities("endless"))
    .chain(([{ time, n, hidden }, masked, reverse, oddity]) => {
      const states = Array.from({ length: gates === 4 ? 2 : 1 }, () => float([n, hidden]));
      const bias = gates === 3 ? [float([gates * hidden])] : [];
      const mask = masked ? [tensors([time, n], "bool", "ordinary")] : [];
      return fc
        .tuple(float([time, n, gates * hidden], oddity), float([gates * hidden, hidden]), ...states, ...bias, ...mask)
        .map((inputs) => ({ inputs, options: { reverse } }));
    });
}

const cell = (shapesOf: (n: number, hidden: number) => number[][]): fc.Arbitrary<Arguments<null>> =>
  fc
    .tuple(sizes, oddities("endless"))
    .chain(([{ n, hidden }, oddity]) =>
      fc
        .tuple(...shapesOf(n, hidden).map((shape) => float(shape, oddity)))
        .map((inputs) => ({ inputs, options: null })),
    );

const ACCURACY = scaled(1e-4);
const SLOPE = scaled(1e-3);

export const RECURRENT: Readonly<Record<string, fc.Arbitrary<Call>>> = {
  lstm: callsOf<Sequence>({
    op: "lstm",
    draw: sequence(4),
    run([shares, weight, h, c, mask], { reverse }) {
      return Object.values(lstm(shares!, weight!, { h: h!, c: c! }, { reverse, ...(mask && { mask }) })) as Tensor[];
    },
    accuracy: ACCURACY,
    gradient: SLOPE,
  }),
  gru: callsOf<Sequence>({
    op: "gru",
    draw: sequence(3),
    run([shares, weight, h, bias, mask], { reverse }) {
      return Object.values(gru(shares!, weight!, h!, { reverse, bias: bias!, ...(mask && { mask }) })) as Tensor[];
    },
    accuracy: ACCURACY,
    gradient: SLOPE,
  }),
  lstmCell: callsOf<null>({
    op: "lstmCell",
    draw: cell((n, hidden) => [
      [n, 4 * hidden],
      [n, hidden],
    ]),
    run: ([gates, c]) => Object.values(lstmCell(gates!, c!)) as Tensor[],
    accuracy: ACCURACY,
    gradient: SLOPE,
  }),
  gruCell: callsOf<null>({
    op: "gruCell",
    draw: cell((n, hidden) => [
      [n, 3 * hidden],
      [n, 3 * hidden],
      [n, hidden],
    ]),
    run: ([shares, recurrent, h]) => gruCell(shares!, recurrent!, h!),
    accuracy: ACCURACY,
    gradient: SLOPE,
  }),
};
