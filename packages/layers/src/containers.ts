/** Small blocks that put others together: identity, shortcut paths, enlarging. */
import { add, composite, expand, expectSameShape, formatShape, reshape, ShapeError, type Tensor } from "@neurite/core";
import { expectModule, expectSizes } from "./expect.js";
import { Module } from "./module.js";
import type { Layer } from "./sequential.js";

/** x itself: the place of a layer that is not there. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

/**
 * body(x) + shortcut(x) (He et al. 2016); the shortcut is the identity unless given.
 * @throws ShapeError where the two differ in shape
 * @example
 * new Residual(new Sequential(new Conv2d(8, 8, 3, { padding: 1 }), new ReLU()));
 */
export class Residual extends Module {
  constructor(
    readonly body: Layer,
    readonly shortcut: Layer = new Identity(),
  ) {
    super();
    expectModule("Residual", "body", body);
    expectModule("Residual", "shortcut", shortcut);
  }

  forward(x: Tensor): Tensor {
    const y = this.body.forward(x);
    const straight = this.shortcut.forward(x);
    expectSameShape("Residual", "shortcut", y.shape, straight.shape);
    return add(y, straight);
  }
}

/**
 * Repeats every position along the spatial axes (nearest neighbour): [n, …spatial, channels] → [n, …spatial·factor, channels].
 * @param factor a positive integer for all spatial axes, or one each
 * @example
 * new Upsample(2).forward(images);                // [8, 16, 16, 3] → [8, 32, 32, 3]
 */
export class Upsample extends Module {
  constructor(readonly factor: number | readonly number[] = 2) {
    super();
    expectSizes("Upsample", "factor", factor);
  }

  forward(x: Tensor): Tensor {
    const factors = typeof this.factor === "number" ? new Array<number>(x.rank - 2).fill(this.factor) : this.factor;
    if (x.rank < 3 || factors.length !== x.rank - 2) {
      throw new ShapeError({
        op: "Upsample",
        argument: "x",
        expected: typeof this.factor === "number" ? "[n, …spatial, channels]" : `${factors.length} spatial axes`,
        received: formatShape(x.shape),
      });
    }
    const spatial = x.shape.slice(1, -1);
    const [n, channels] = [x.shape[0]!, x.shape[x.rank - 1]!];
    const apart = spatial.flatMap((length) => [length, 1]);
    const repeated = spatial.flatMap((length, i) => [length, factors[i]!]);
    return composite("upsample", () => {
      // all axes in one copy
      const wide = expand(reshape(x, [n, ...apart, channels]), [n, ...repeated, channels]);
      return reshape(wide, [n, ...spatial.map((length, i) => length * factors[i]!), channels]);
    });
  }
}
