/** The first training step of the MLP in a process, imports counted: what somebody who opens a page waits for. */
import { valueAndGrad } from "@neurite/autograd";
import { crossEntropy, type Device, fromHost } from "@neurite/core";
import { Linear, ReLU, Sequential } from "@neurite/layers";
import { Adam } from "@neurite/optimizers";

export function firstStep(device: Device): number {
  const model = new Sequential(
    new Linear(784, 512, { device }),
    new ReLU(),
    new Linear(512, 256, { device }),
    new ReLU(),
    new Linear(256, 10, { device }),
  );
  const optimizer = new Adam(model.parameters());
  const pixels = Float32Array.from({ length: 128 * 784 }, (_, i) => (i % 256) / 255);
  const labels = Int32Array.from({ length: 128 }, (_, i) => i % 10);
  const x = fromHost(pixels, "float32", [128, 784], device);
  const y = fromHost(labels, "int32", [128], device);
  const { value, grads } = valueAndGrad(() => crossEntropy(model.forward(x), y), model.parameters())();
  optimizer.step(grads);
  return value.itemSync();
}
