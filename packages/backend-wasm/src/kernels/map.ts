/** Elementwise functions: one fused kernel for each expression, dtypes and layout. */
import type { DType, MapAttrs, MapFunction, Program, View } from "@neurite/core";
import type { ScalarFunctions } from "../double-math.js";
import { type I32, i32, type V128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { CompiledKernel, Engine } from "../engine.js";
import { elementBytes, loadLanes, loadSplat, splatParameter, storeLanes, storeSome } from "../lanes.js";
import { defineScalarFunctions, renderProgram } from "../map-source.js";
import type { Features } from "../vector-math.js";
import { addressOf, forEachOuter } from "../views.js";
import { pack } from "./copy.js";

/** Elements below which work is not split. */
const GRAIN = 16_384;

const DTYPE_CODES: Readonly<Record<DType, number>> = { float32: 0, int32: 1, bool: 2, uint8: 3, float64: 4 };

/** The kernels of one function by a number made of dtypes and layout; the last one used comes first. */
interface Variants {
  code: number;
  kernel: CompiledKernel | null;
  readonly all: Map<number, CompiledKernel>;
}

export function makeMap(engine: Engine) {
  const byFunction: Variants[] = [];

  const kernelFor = (fn: MapFunction, views: readonly View[], rank: number, code: number): CompiledKernel => {
    let variants = byFunction[fn.uid];
    if (!variants) {
      variants = { code: -1, kernel: null, all: new Map() };
      byFunction[fn.uid] = variants;
    }
    if (variants.code === code) return variants.kernel!;
    let kernel = variants.all.get(code);
    if (!kernel) {
      const program = fn.program("map", views);
      const dense = views.map((view) => view.strides[rank - 1] !== 0);
      kernel = engine.kernel(`map ${fn.uid} ${code}`, (module, features) =>
        defineMap(module, features, program, { views, dense, scalars: fn.scalars, rows: rank > 1 }),
      );
      variants.all.set(code, kernel);
    }
    variants.code = code;
    variants.kernel = kernel;
    return kernel;
  };

  return (outs: readonly View[], inputs: readonly View[], { fn, scalars }: MapAttrs): undefined => {
    const out = outs[0]!;
    const rank = out.shape.length;
    let views = inputs;
    let release: (() => void) | null = null;
    let code = rank === 1 ? 1 : 2;
    for (let i = 0; i < inputs.length; i++) {
      const stride = inputs[i]!.strides[rank - 1]!;
      if (stride !== 0 && stride !== 1 && release === null) {
        ({ views, release } = pack(
          engine,
          inputs,
          (view) => view.strides[rank - 1]! > 1 || view.strides[rank - 1]! < 0,
        ));
      }
      code = code * 16 + DTYPE_CODES[inputs[i]!.dtype] * 2 + (stride === 0 ? 1 : 0);
    }
    const kernel = kernelFor(fn, views, rank, code);
    if (rank > 1) runRows(engine, kernel, out, views, scalars);
    else if (out.shape[0]! <= GRAIN) runSmall(kernel, out, views, scalars);
    else engine.run(kernel, out.shape[0]!, GRAIN, addressOf(out), ...views.map(addressOf), ...scalars);
    release?.();
  };
}

/** Calls the kernel at once; the usual numbers of operands without making arrays of them. */
function runSmall(kernel: CompiledKernel, out: View, views: readonly View[], scalars: readonly number[]): void {
  const n = out.shape[0]!;
  const target = addressOf(out);
  const first = addressOf(views[0]!);
  if (scalars.length === 0) {
    if (views.length === 1) kernel(0, n, target, first);
    else if (views.length === 2) kernel(0, n, target, first, addressOf(views[1]!));
    else if (views.length === 3) kernel(0, n, target, first, addressOf(views[1]!), addressOf(views[2]!));
    else kernel(0, n, target, ...views.map(addressOf));
  } else if (views.length === 1 && scalars.length === 1) kernel(0, n, target, first, scalars[0]!);
  else kernel(0, n, target, ...views.map(addressOf), ...scalars);
}

function runRows(
  engine: Engine,
  kernel: CompiledKernel,
  out: View,
  views: readonly View[],
  scalars: readonly number[],
): void {
  const rank = out.shape.length;
  const n = out.shape[rank - 1]!;
  const rows = out.shape[rank - 2]!;
  const grain = Math.ceil(GRAIN / n);
  // n, the output's address, address and row step of each operand, scalars
  const args = [n, 0, ...views.flatMap((view) => [0, view.strides[rank - 2]! * elementBytes(view.dtype)]), ...scalars];
  forEachOuter(out.shape, rank - 2, [out, ...views], (addresses) => {
    args[1] = addresses[0]!;
    for (let i = 1; i < addresses.length; i++) args[2 * i] = addresses[i]!;
    if (rows <= grain) kernel(0, rows, ...args);
    else engine.run(kernel, rows, grain, ...args);
  });
}

/** What a kernel is made for. */
interface Layout {
  readonly views: readonly View[];
  /** Whether neighbours in the output are neighbours in the operand; else it has one element a row. */
  readonly dense: readonly boolean[];
  /** Number of scalars. */
  readonly scalars: number;
  /** Whether the operands come in rows, each a step of its own apart; only with one output. */
  readonly rows?: boolean;
}

/** Elements (or rows) begin … end of all results of a program; parameters are addresses of outputs, of inputs, scalars. */
export function defineMap(
  module: ModuleBuilder,
  features: Features,
  program: Program,
  { views, dense, scalars: scalarCount, rows = false }: Layout,
): void {
  const functions = defineScalarFunctions(module, program);
  const types = Array.from({ length: scalarCount }, (_, i): DType => program.scalars[i] ?? "float32");
  const parameters: Record<string, "i32" | "f32"> = { begin: "i32", end: "i32" };
  if (rows) parameters.n = "i32";
  program.results.forEach((_, i) => {
    parameters[`out${i}`] = "i32";
  });
  views.forEach((_, i) => {
    parameters[`in${i}`] = "i32";
    if (rows) parameters[`step${i}`] = "i32";
  });
  types.forEach((type, i) => {
    parameters[`scalar${i}`] = type === "float32" ? "f32" : "i32";
  });
  module.define("run", parameters, (f, p) => {
    const parameter = (name: string) => p[name] as Local<"i32">;
    const scalars = types.map((type, i) => f.keep(splatParameter(type, p[`scalar${i}`]!)));
    const bytes = views.map((view) => elementBytes(view.dtype));
    const body = (sources: readonly Local<"i32">[], targets: readonly Local<"i32">[], n: Local<"i32">) =>
      emitRun(f, features, program, { views, dense, sources, targets, n, scalars, functions });
    if (!rows) {
      const at = (base: I32, size: number) => f.keep(i32.add(base, i32.mul(parameter("begin"), size)));
      const sources = views.map((_, i) =>
        dense[i] ? at(parameter(`in${i}`), bytes[i]!) : f.keep(parameter(`in${i}`)),
      );
      const targets = program.results.map(({ type }, i) => at(parameter(`out${i}`), elementBytes(type)));
      body(sources, targets, f.keep(i32.sub(parameter("end"), parameter("begin"))));
      return;
    }
    const row = f.keep(parameter("begin"));
    const sources = views.map(() => f.variable("i32"));
    const target = f.variable("i32");
    const outBytes = elementBytes(program.results[0]!.type);
    const n = f.variable("i32");
    f.while(
      () => i32.ltU(row, parameter("end")),
      () => {
        views.forEach((_, i) => {
          f.set(sources[i]!, i32.add(parameter(`in${i}`), i32.mul(row, parameter(`step${i}`))));
        });
        f.set(target, i32.add(parameter("out0"), i32.mul(i32.mul(row, parameter("n")), outBytes)));
        f.set(n, parameter("n"));
        body(sources, [target], n);
        f.increase(row, 1);
      },
    );
  });
}

interface Run {
  readonly views: readonly View[];
  readonly dense: readonly boolean[];
  /** Addresses, moved along by the loop. */
  readonly sources: readonly Local<"i32">[];
  readonly targets: readonly Local<"i32">[];
  /** Elements left, counted down. */
  readonly n: Local<"i32">;
  readonly scalars: readonly V128[];
  readonly functions: ScalarFunctions;
}

/** Four elements at a time, then the one to three that are left. */
function emitRun(f: FunctionBuilder, features: Features, program: Program, run: Run): void {
  const { views, dense, sources, targets, n, scalars, functions } = run;
  const { results } = program;
  const repeated = views.map((view, i) => (dense[i] ? null : f.keep(loadSplat(view.dtype, sources[i]!))));
  const compute = () => {
    const inputs = views.map((view, i) => repeated[i] ?? f.keep(loadLanes(view.dtype, sources[i]!)));
    return renderProgram(f, features, program, { inputs, scalars, functions });
  };
  f.while(
    () => i32.gtU(n, 3),
    () => {
      const values = compute();
      targets.forEach((target, i) => void f.do(storeLanes(results[i]!.type, target, values[i]!)));
      views.forEach((view, i) => {
        if (dense[i]) f.increase(sources[i]!, 4 * elementBytes(view.dtype));
      });
      targets.forEach((target, i) => void f.increase(target, 4 * elementBytes(results[i]!.type)));
      f.increase(n, -4);
    },
  );
  f.if(n, () => {
    const values = compute();
    targets.forEach((target, i) => void storeSome(f, results[i]!.type, target, values[i]!, n));
  });
}
