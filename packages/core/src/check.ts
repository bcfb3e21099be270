/** The NaN check: an interceptor that stops at the first op whose result is not finite. */
import { isFloat } from "./dtype.js";
import { NonFiniteError } from "./errors.js";
import { expectFunction } from "./expect.js";
import { type Interceptor, type Next, withInterceptor } from "./interceptor.js";
import type { OpRecord } from "./op.js";
import { formatShape } from "./shape.js";
import type { Tensor } from "./tensor.js";

function firstBad(tensor: Tensor): number | null {
  if (!isFloat(tensor.dtype)) return null;
  const data = tensor.dataSync();
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i]!)) return data[i]!;
  return null;
}

const finiteCheck: Interceptor = {
  // biome-ignore lint/suspicious/noExplicitAny: sees ops of every attribute type
  intercept(op: OpRecord<any>, inputs, attrs, aux, next: Next) {
    const outs = next(op, inputs, attrs, aux);
    for (const out of outs) {
      const bad = op.view ? null : firstBad(out);
      if (bad === null) continue;
      const cause = inputs.findIndex((input) => firstBad(input) !== null);
      throw new NonFiniteError({
        op: op.name,
        argument: `result ${formatShape(out.shape)}`,
        expected: "finite numbers",
        received: String(bad),
        remedy:
          cause >= 0
            ? `Its input ${cause} was not finite already.`
            : `Its inputs ${inputs.map((input) => formatShape(input.shape)).join(", ")} were finite: this op made it.`,
      });
    }
    return outs;
  },
};

/**
 * Runs `fn` and throws at the first op that yields NaN or ±∞, naming it. Slow: every result is read. CPU backends only.
 * @throws NonFiniteError
 */
export function checkFinite<T>(fn: () => T): T {
  expectFunction("checkFinite", "fn", fn);
  return withInterceptor(finiteCheck, fn);
}
