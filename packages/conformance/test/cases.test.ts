/** Every op that has samples is tried on the lengths that go wrong: 1, odd ones and 0. */
import { CASES } from "@neurite/conformance";
import { expect, it } from "vitest";

const lengths: Readonly<Record<string, (length: number) => boolean>> = {
  "an axis of length 1": (length) => length === 1,
  "an axis of odd length": (length) => length > 1 && length % 2 === 1,
  "an empty axis": (length) => length === 0,
};

/** Ops whose inputs have no shape of their own. */
const fixed = ["ones", "zeros"];

it.each(Object.entries(lengths))("every op has a sample with %s", (_, fits) => {
  const missing = CASES.filter(({ op, samples = [] }) => {
    const shapes = samples.flatMap(({ inputs }) => inputs.map(({ shape }) => shape));
    return shapes.length > 0 && !fixed.includes(op) && !shapes.some((shape) => shape.some(fits));
  });
  expect(missing.map(({ op }) => op)).toEqual([]);
});

it("every op refuses something, but for those that take any tensor", () => {
  const silent = CASES.filter(({ errors = [], samples = [] }) => errors.length === 0 && samples.length > 0);
  expect(silent.map(({ op }) => op)).toEqual(["cast", "copy", "ones", "zeros"]);
});
