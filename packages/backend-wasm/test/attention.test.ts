// Rows that do not fill whole vectors, under scales that turn −∞ into something else.
import { attention, full, ones, setDefaultDevice, tensor } from "@neurite/core";
import { expect, it } from "vitest";
import { wasm } from "../src/index.js";

it.each([0, -1, -0.5, 2])("attends with a scale of %s to any number of keys", async (scale) => {
  setDefaultDevice(wasm());
  for (const keys of [1, 2, 3, 4, 5, 17]) {
    const numbers = Array.from({ length: keys }, (_, i) => i / 4);
    const column = tensor(numbers, { shape: [keys, 1] });
    const weights = numbers.map((key) => Math.exp(scale * key));
    const total = weights.reduce((a, b) => a + b);
    const wanted = numbers.reduce((sum, value, i) => sum + (weights[i]! * value) / total, 0);
    for (const mask of [undefined, full([1, keys], 1, { dtype: "bool" })]) {
      const [value] = await attention(ones([1, 1]), column, column, { scale, ...(mask && { mask }) }).data();
      expect(value, `${keys} keys`).toBeCloseTo(wanted, 6);
    }
  }
});
