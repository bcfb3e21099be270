/** Jacobians, and their products with vectors from either side (Jiang §8.4). */
import {
  expectSameShape,
  expectTensor,
  fromHost,
  hostArray,
  mul,
  reshape,
  scope,
  stack,
  sum,
  type Tensor,
  zeros,
} from "@neurite/core";
import { expectFunction } from "@neurite/core/expect";
import { grad } from "./value-and-grad.js";

/**
 * Jᵀe, where J = ∂fn/∂x: what reverse-mode differentiation passes from a layer's output to its input.
 * @param e of the shape of fn(x)
 * @returns of x's shape; zeros where fn does not depend on x
 * @example
 * vjp((x) => matmul(w, x), x, e);                  // wᵀe
 */
export function vjp(fn: (x: Tensor) => Tensor, x: Tensor, e: Tensor): Tensor {
  expectFunction("vjp", "fn", fn);
  expectTensor("vjp", "x", x);
  expectTensor("vjp", "e", e);
  return grad((input: Tensor) => {
    const y = fn(input);
    expectTensor("vjp", "the function's value", y);
    expectSameShape("vjp", "e", y.shape, e.shape);
    return sum(mul(y, e));
  })(x);
}

/**
 * J·v, the slope of fn at x in the direction v. Jᵀu is linear in u, and its own vector-Jacobian product is J.
 * @param v of the shape of x
 * @returns of the shape of fn(x)
 */
export function jvp(fn: (x: Tensor) => Tensor, x: Tensor, v: Tensor): Tensor {
  expectFunction("jvp", "fn", fn);
  expectTensor("jvp", "x", x);
  expectTensor("jvp", "v", v);
  expectSameShape("jvp", "v", x.shape, v.shape);
  return scope(() => {
    const y = fn(x);
    expectTensor("jvp", "the function's value", y);
    const { shape, dtype, device } = y;
    return vjp((u) => vjp(fn, x, u), zeros(shape, { dtype, device }), v) as never;
  }, "jvp");
}

/**
 * The Jacobian of fn at x, one reverse pass for each element of the result: [...shape of fn(x), ...shape of x].
 * @example
 * jacobian((x) => softmax(x), x);                  // diag(y) − yyᵀ
 * jacobian((w) => linear(x, w), w);                // by a parameter
 */
export function jacobian(fn: (x: Tensor) => Tensor, x: Tensor): Tensor {
  expectFunction("jacobian", "fn", fn);
  expectTensor("jacobian", "x", x);
  return scope(() => {
    const y = fn(x);
    expectTensor("jacobian", "the function's value", y);
    const { shape, size, dtype, device } = y;
    const rows: Tensor[] = [];
    for (let i = 0; i < size; i++) {
      const unit = hostArray(dtype, size);
      unit[i] = 1;
      rows.push(vjp(fn, x, fromHost(unit, dtype, shape, device)));
    }
    const joined = size > 0 ? stack(rows) : zeros([0], { dtype, device });
    return reshape(joined, [...shape, ...x.shape]) as never;
  }, "jacobian");
}
