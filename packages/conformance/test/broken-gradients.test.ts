// Scales the first gradient of every op in turn by 1.01, and demands that the suite notices.
import { cpuJs } from "@neurite/backend-cpu-js";
import { CASES, type Case, listChecks, runCase, type TensorFunction } from "@neurite/conformance";
import {
  type Interceptor,
  isFloat,
  isTensor,
  mul,
  type OpRecord,
  OuterProduct,
  onesLike,
  type Tensor,
  type VjpContext,
  withInterceptor,
} from "@neurite/core";
import { describe, expect, it } from "vitest";
import { benchFor } from "../src/runner.js";

// biome-ignore lint/suspicious/noExplicitAny: ops of every attribute type
type AnyOp = OpRecord<any>;

/** Ops with a gradient that ran. */
class Watch implements Interceptor {
  readonly seen = new Set<AnyOp>();
  // biome-ignore lint/suspicious/noExplicitAny: see above
  intercept(op: AnyOp, inputs: readonly Tensor[], attrs: any, aux: boolean, next: any): Tensor[] {
    const outs: Tensor[] = next(op, inputs, attrs, aux);
    // through a bool or an integer no gradient comes back
    if (op.vjp && outs.some((out) => isFloat(out.dtype)) && inputs.some((x) => isFloat(x.dtype))) this.seen.add(op);
    return outs;
  }
}

const options = { dtypes: ["float64"] } as const;

/** The ops with a vjp that a case dispatches while it computes values and first gradients. */
async function opsOf(subject: Case): Promise<AnyOp[]> {
  const watch = new Watch();
  const wrap =
    (fn: TensorFunction): TensorFunction =>
    (...inputs) =>
      withInterceptor(watch, () => fn(...inputs));
  const device = cpuJs();
  const bench = benchFor(device, { ...options, wrap });
  const checks = listChecks({ ...options, cases: [subject] });
  for (const check of checks) {
    if (!/has the gradient|gives the values/.test(check.name)) continue;
    // the stack is this one while a check begins, which includes its backward pass, and `wrap` adds the calls after it
    await withInterceptor(watch, () => check.run(bench));
  }
  return [...watch.seen];
}

function scaled(slope: Tensor | OuterProduct): Tensor | OuterProduct {
  return isTensor(slope) ? mul(slope, 1.01) : new OuterProduct(mul(slope.left, 1.01), slope.right);
}

/** Puts 1 % on the first gradient of an op, or a constant where it has none. */
function spoil(op: AnyOp): () => void {
  const writable = op as { vjp: NonNullable<AnyOp["vjp"]> };
  const { vjp } = writable;
  // biome-ignore lint/suspicious/noExplicitAny: see above
  writable.vjp = (context: VjpContext<any>) => {
    const slopes = [...vjp(context)];
    const first = slopes.findIndex((slope) => slope !== null);
    if (first >= 0) slopes[first] = scaled(slopes[first]!);
    else slopes[context.needs.indexOf(true)] = mul(onesLike(context.inputs[context.needs.indexOf(true)]!), 0.01);
    return slopes;
  };
  return () => {
    writable.vjp = vjp;
  };
}

const byCase = new Map<Case, AnyOp[]>();
for (const subject of CASES) byCase.set(subject, await opsOf(subject));
const all = new Set([...byCase.values()].flat());

describe("a gradient that is off by one per cent is noticed in", () => {
  it("at least 80 ops, which the cases reach", () => {
    expect(all.size).toBeGreaterThanOrEqual(80);
  });

  for (const op of all) {
    // a variant of an elementwise row has its name; its number tells them apart
    it(`${op.name} (record ${op.id})`, async () => {
      const users = [...byCase].filter(([, ops]) => ops.includes(op)).map(([subject]) => subject);
      // the case named for the op first: it should be enough
      users.sort((a, b) => Number(b.op === op.name) - Number(a.op === op.name));
      const restore = spoil(op);
      try {
        let failed = 0;
        for (const subject of users.slice(0, 3)) {
          const results = await runCase(subject, cpuJs(), options);
          failed = results.filter(({ status }) => status === "failed").length;
          if (failed > 0) break;
        }
        expect(failed).toBeGreaterThan(0);
      } finally {
        restore();
      }
    });
  }
});
