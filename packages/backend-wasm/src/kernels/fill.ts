/** Constant tensors. */
import { sizeOf, type View } from "@neurite/core";
import type { Engine } from "../engine.js";
import { addressOf } from "../views.js";

export function makeFill(engine: Engine) {
  return (outs: readonly View[], _inputs: readonly View[], { value }: { readonly value: number }): undefined => {
    fillView(engine, outs[0]!, value);
  };
}

/** Sets all elements of a contiguous view, by the engine's own fill of a typed array. */
export function fillView(engine: Engine, view: View, value: number): void {
  const { buffer } = engine.heap.memory;
  const at = addressOf(view);
  const size = sizeOf(view.shape);
  if (view.dtype === "float32") new Float32Array(buffer, at, size).fill(value);
  else if (view.dtype === "int32") new Int32Array(buffer, at, size).fill(value);
  else new Uint8Array(buffer, at, size).fill(view.dtype === "bool" ? Number(value !== 0) : value);
}
