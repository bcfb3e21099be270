/** Elementwise functions: one fused kernel for each expression, dtypes and layout. */
import type { DType, MapAttrs, Program, View } from "@neurite/core";
import { type I32, i32, type V128 } from "../emitter/code.js";
import type { FunctionBuilder, Local } from "../emitter/function.js";
import type { ModuleBuilder } from "../emitter/module.js";
import type { CompiledKernel, Engine } from "../engine.js";
import { elementBytes, loadLanes, loadSplat, splatParameter, storeLanes, storeSome } from "../lanes.js";
import { hostCalls, renderProgram } from "../map-source.js";
import type { Features } from "../vector-math.js";
import { pack } from "./copy.js";
import { addressOf, forEachOuter } from "../views.js";

/** Elements below which work is not split. */
const GRAIN = 16_384;

/** The cached kernels of one function, by dtypes and layout. */
type Variants = Map<string, CompiledKernel>;

export function makeMap(engine: Engine) {
  const byFunction: Variants[] = [];
  return (outs: readonly View[], inputs: readonly View[], { fn, scalars }: MapAttrs): undefined => {
    const out = outs[0]!;
    const rank = out.shape.length;
    const { views, release } = pack(engine, inputs, (view) => view.strides[rank - 1]! > 1 || view.strides[rank - 1]! < 0);
    // one letter an operand: d(ense) along the innermost axis, or r(epeated)
    let key = rank === 1 ? "flat" : "rows";
    for (const view of views) key += ` ${view.dtype}${view.strides[rank - 1] === 0 ? "r" : "d"}`;
    let variants = byFunction[fn.uid];
    if (!variants) {
      variants = new Map();
      byFunction[fn.uid] = variants;
    }
    let kernel = variants.get(key);
    if (!kernel) {
      const program = fn.program(
        "map",
        views.map((view) => view.dtype),
      );
      const dense = views.map((view) => view.strides[rank - 1] !== 0);
      kernel = engine.kernel(`map ${fn.uid} ${key}`, (module, features) =>
        defineMap(module, features, program, views, dense, scalars.length, rank > 1),
      );
      variants.set(key, kernel);
    }
    if (rank === 1) engine.run(kernel, out.shape[0]!, GRAIN, addressOf(out), ...views.map(addressOf), ...scalars);
    else runRows(engine, kernel, out, views, scalars);
    release();
  };
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
  forEachOuter(out.shape, rank - 2, [out, ...views], ([target, ...sources]) => {
    const operands = sources.flatMap((address, i) => [
      address,
      views[i]!.strides[rank - 2]! * elementBytes(views[i]!.dtype),
    ]);
    engine.run(kernel, rows, grain, n, target!, ...operands, ...scalars);
  });
}

function defineMap(
  module: ModuleBuilder,
  features: Features,
  program: Program,
  views: readonly View[],
  dense: readonly boolean[],
  scalarCount: number,
  rows: boolean,
): void {
  const host: Record<string, number> = {};
  for (const { name, arity } of hostCalls(program)) host[name] = module.import(name, arity);
  const types = scalarTypes(program, scalarCount);
  const parameters: Record<string, "i32" | "f32"> = { begin: "i32", end: "i32" };
  if (rows) parameters.n = "i32";
  parameters.out = "i32";
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
    const outBytes = elementBytes(program.type);
    const body = (sources: readonly Local<"i32">[], target: Local<"i32">, n: Local<"i32">) =>
      emitRun(f, features, program, { views, dense, sources, target, n, scalars, host });
    if (!rows) {
      const at = (base: I32, size: number) => f.keep(i32.add(base, i32.mul(parameter("begin"), size)));
      const sources = views.map((_, i) => (dense[i] ? at(parameter(`in${i}`), bytes[i]!) : f.keep(parameter(`in${i}`))));
      body(sources, at(parameter("out"), outBytes), f.keep(i32.sub(parameter("end"), parameter("begin"))));
      return;
    }
    const row = f.keep(parameter("begin"));
    const sources = views.map(() => f.variable("i32"));
    const target = f.variable("i32");
    const n = f.variable("i32");
    f.while(
      () => i32.ltU(row, parameter("end")),
      () => {
        views.forEach((_, i) => {
          f.set(sources[i]!, i32.add(parameter(`in${i}`), i32.mul(row, parameter(`step${i}`))));
        });
        f.set(target, i32.add(parameter("out"), i32.mul(i32.mul(row, parameter("n")), outBytes)));
        f.set(n, parameter("n"));
        body(sources, target, n);
        f.increase(row, 1);
      },
    );
  });
}

/** The dtype each scalar is used with. */
function scalarTypes(program: Program, count: number): DType[] {
  const types = new Array<DType>(count).fill("float32");
  for (const operation of [...program.steps.flatMap((step) => step.args), program.result]) {
    if (operation.kind === "scalar") types[operation.index] = operation.type;
  }
  return types;
}

interface Run {
  readonly views: readonly View[];
  readonly dense: readonly boolean[];
  /** Addresses, moved along by the loop. */
  readonly sources: readonly Local<"i32">[];
  readonly target: Local<"i32">;
  /** Elements left, counted down. */
  readonly n: Local<"i32">;
  readonly scalars: readonly V128[];
  readonly host: Readonly<Record<string, number>>;
}

/** Four elements at a time, then the one to three that are left. */
function emitRun(f: FunctionBuilder, features: Features, program: Program, run: Run): void {
  const { views, dense, sources, target, n, scalars, host } = run;
  const repeated = views.map((view, i) => (dense[i] ? null : f.keep(loadSplat(view.dtype, sources[i]!))));
  const compute = () => {
    const inputs = views.map((view, i) => repeated[i] ?? f.keep(loadLanes(view.dtype, sources[i]!)));
    return renderProgram(f, features, program, { inputs, scalars, host });
  };
  f.while(
    () => i32.gtU(n, 3),
    () => {
      f.do(storeLanes(program.type, target, compute()));
      views.forEach((view, i) => {
        if (dense[i]) f.increase(sources[i]!, 4 * elementBytes(view.dtype));
      });
      f.increase(target, 4 * elementBytes(program.type));
      f.increase(n, -4);
    },
  );
  f.if(n, () => storeSome(f, program.type, target, compute(), n));
}
