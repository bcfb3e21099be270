/** What the WebAssembly engine at hand offers, found by validating tiny modules. */
import { f32x4, i32, v128 } from "./emitter/code.js";
import { ModuleBuilder } from "./emitter/module.js";
import { WebAssembly } from "./web-assembly.js";

function validates(relaxed: boolean): boolean {
  const module = new ModuleBuilder({ shared: false, maximum: 1 });
  module.define("run", {}, (f) => {
    const one = f32x4.const(1);
    f.do(v128.store(i32.const(0), relaxed ? f32x4.relaxedMadd(one, one, one) : f32x4.add(one, one)));
  });
  return WebAssembly.validate(module.bytes());
}

let simd: boolean | undefined;
let relaxed: boolean | undefined;

/** Whether the engine has 128-bit SIMD, without which there is no backend. */
export function hasSimd(): boolean {
  simd ??= validates(false);
  return simd;
}

/** Whether the engine has relaxed SIMD, whose fused multiply-add is faster. */
export function hasRelaxedSimd(): boolean {
  relaxed ??= validates(true);
  return relaxed;
}

interface Process {
  readonly versions?: { readonly v8?: string };
}

/** Major version of V8 where the program can know it (Node), else null. */
export function v8Version(): number | null {
  const { process } = globalThis as { process?: Process };
  const version = Number.parseInt(process?.versions?.v8 ?? "", 10);
  return Number.isNaN(version) ? null : version;
}

let hoists: boolean | undefined;

/** Whether the engine is known to move all loads of a loop's body to its top. */
export function hoistsLoads(): boolean {
  hoists ??= (v8Version() ?? 13) < 13;
  return hoists;
}
