// Values and derivatives of every elementwise op over the whole range of floats, against closed forms in float64.
import { cpuJs } from "@neurite/backend-cpu-js";
import { gpujs } from "@neurite/backend-gpujs";
import { wasm } from "@neurite/backend-wasm";
import { workerThreads } from "@neurite/backend-worker-threads";
import type { Device, Tensor } from "@neurite/core";
import * as core from "@neurite/core";
import { beforeAll, describe, expect, it } from "vitest";
import { BINARY, UNARY } from "./derivatives/forms.js";
import { close, ENDS, GRID, SMALL_GRID, threeOf, unheard } from "./derivatives/grid.js";
import { LOSSES } from "./derivatives/losses.js";

type Op = (...xs: Tensor[]) => Tensor;
const ops = core as unknown as Readonly<Record<string, Op>>;
const WHAT = ["value", "first derivative", "second derivative"];
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** Ops whose result is bool, or that have their own test below. */
const OTHERS = ["clamp", "where"];
/** Without a limit at ±∞, or with one that is not near at 1e100. */
const ENDLESS = new Set(["sin", "cos", "tan", "log", "log1p"]);
/** Whose second operand does not count where the first is positive. */
const ONE_SIDED = new Set(["leakyRelu", "elu"]);

const BACKENDS: Readonly<Record<string, () => Device | Promise<Device>>> = {
  "cpu-js": cpuJs,
  wasm,
  "worker-threads": () => workerThreads({ threads: 2 }),
  gpujs: () => gpujs({ mode: "cpu" }),
};

it("has a closed form of every elementwise op with a derivative", () => {
  const differentiable = Object.entries(core).filter(([, value]) => {
    const row = (value as { row?: { expression: core.Expression; arity: number } } | null)?.row;
    if (!row) return false;
    try {
      const program = core.MapFunction.of(row.expression, row.arity, 0).program(
        "derivatives",
        Array.from({ length: row.arity }, () => ({ dtype: "float32" as const })),
      );
      return program.results[0]!.type === "float32";
    } catch {
      return false;
    }
  });
  const known = new Set([...Object.keys(UNARY), ...Object.keys(BINARY), ...OTHERS]);
  expect(differentiable.map(([name]) => name).filter((name) => !known.has(name))).toEqual([]);
});

describe.each(Object.entries(BACKENDS))("on %s", (_, make) => {
  let device: Device;
  beforeAll(async () => {
    device = await make();
    core.setDefaultDevice(device);
  });

  it.each(Object.entries(UNARY))("%s and its derivatives are right everywhere", async (name, form) => {
    const places = [...GRID.map((x) => [x, x] as const), ...(ENDLESS.has(name) ? [] : ENDS)];
    const results = await threeOf(device, ops[name]!, [places.map(([x]) => x)], 0);
    const wrong = places.flatMap(([x, stand], i) =>
      form(stand).flatMap((wanted, order) => {
        const is = results[order]![i]!;
        // at −0 the sign of an infinity says from which side one came
        const held = Object.is(x, -0) && Math.abs(wanted) === inf ? Math.abs(is) === inf : close(is, wanted);
        return held ? [] : [`${WHAT[order]} at ${x} is ${is}, not ${wanted}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it.each(Object.entries(BINARY))(
    "%s and its derivatives by both operands are right everywhere",
    async (name, form) => {
      const pairs = SMALL_GRID.flatMap((a) => SMALL_GRID.map((b) => [a, b] as const));
      const lists = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
      const wrong: string[] = [];
      for (const operand of [0, 1]) {
        const [value, first, second] = await threeOf(device, ops[name]!, lists, operand);
        pairs.forEach(([a, b], i) => {
          const [y, ...slopes] = form(a, b);
          [y, ...slopes.slice(2 * operand, 2 * operand + 2)].forEach((wanted, order) => {
            const is = [value, first, second][order]![i]!;
            // a slope beyond the range may be the sum of two infinities
            const beyond = order === 2 && Math.abs(wanted) > 3.5e38 && !Number.isFinite(is);
            if (!beyond && !close(is, wanted))
              wrong.push(`${WHAT[order]} by operand ${operand} at ${a}, ${b} is ${is}, not ${wanted}`);
          });
        });
      }
      expect(wrong).toEqual([]);
    },
  );

  it.each(Object.entries(LOSSES))("%s and its derivatives are right everywhere", async (_, loss) => {
    const { run, form, targets, takes = () => true } = loss;
    for (const target of targets) {
      const places = [...GRID.map((x) => [x, x] as const), ...ENDS].filter(([x]) => takes(x));
      const lists = [places.map(([x]) => x), places.map(() => target)];
      const results = await threeOf(device, run as Op, lists, 0);
      const wrong = places.flatMap(([x, stand], i) =>
        form(stand, target).flatMap((wanted, order) => {
          const is = results[order]![i]!;
          return close(is, wanted) ? [] : [`${WHAT[order]} at ${x} with target ${target} is ${is}, not ${wanted}`];
        }),
      );
      expect(wrong).toEqual([]);
    }
  });

  it.each([...Object.keys(UNARY), ...Object.keys(BINARY)])(
    "%s lets no error of 0 become anything else",
    async (name) => {
      const odd = [...SMALL_GRID, inf, -inf, nan];
      const pairs = odd.flatMap((a) => odd.map((b) => [a, b] as const));
      const lists = name in UNARY ? [odd] : [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
      for (const [operand, list] of lists.entries()) {
        const slope = await unheard(device, ops[name]!, lists, operand);
        expect([...slope].map(Math.abs)).toEqual(list.map(() => 0));
      }
    },
  );

  it.each([...Object.keys(UNARY), ...Object.keys(BINARY)])("%s hands a NaN on", async (name) => {
    const second = ONE_SIDED.has(name) ? 1 : nan;
    const lists =
      name in UNARY
        ? [[nan, 2]]
        : [
            [nan, nan, 2],
            [2, second, second],
          ];
    const [value] = await threeOf(device, ops[name]!, lists, 0);
    expect([...value].map(Number.isNaN)).toEqual(name in UNARY ? [true, false] : [true, true, second !== 1]);
  });
});
