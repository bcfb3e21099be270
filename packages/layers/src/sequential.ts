/** Modules one after the other, and the flattening between convolutional and fully connected ones. */
import { normalizeAxis, reshape, ShapeError, sizeOf, type Tensor } from "@neurite/core";
import { expectInteger } from "@neurite/core/expect";
import { expectModule } from "./expect.js";
import { Module } from "./module.js";

/** A module from one tensor to one tensor. */
export type Layer = Module & { forward(x: Tensor): Tensor };

/**
 * Feeds each module's output to the next. Parameters are named by position, as in PyTorch: `"0.weight"`.
 * @example
 * const net = new Sequential(new Linear(784, 100), new ReLU(), new Linear(100, 10));
 */
export class Sequential extends Module implements Iterable<Layer> {
  readonly [position: number]: Layer;
  readonly #layers: readonly Layer[];

  constructor(...layers: readonly Layer[]) {
    super();
    this.#layers = layers;
    layers.forEach((layer, i) => {
      expectModule("Sequential", `layer ${i}`, layer);
      Object.defineProperty(this, i, { value: layer, enumerable: true });
    });
  }

  get length(): number {
    return this.#layers.length;
  }

  [Symbol.iterator](): Iterator<Layer> {
    return this.#layers[Symbol.iterator]();
  }

  forward(x: Tensor): Tensor {
    return this.#layers.reduce((value, layer) => layer.forward(value), x);
  }
}

/** Joins the axes from `start` to `end` (both counted) into one; by default all but the batch: [n, …] → [n, size]. */
export class Flatten extends Module {
  constructor(
    readonly start = 1,
    readonly end = -1,
  ) {
    super();
    expectInteger("Flatten", "start", start);
    expectInteger("Flatten", "end", end);
  }

  forward(x: Tensor): Tensor {
    const first = normalizeAxis("Flatten", this.start, x.rank, "start");
    const last = normalizeAxis("Flatten", this.end, x.rank, "end");
    if (last < first) {
      throw new ShapeError({
        op: "Flatten",
        argument: "end",
        expected: `an axis from ${first} on`,
        received: String(this.end),
      });
    }
    return reshape(x, [...x.shape.slice(0, first), sizeOf(x.shape.slice(first, last + 1)), ...x.shape.slice(last + 1)]);
  }
}
