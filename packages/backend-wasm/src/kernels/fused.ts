/** The table of fused kernels, by the name of the op they serve. */
import type { FusedKernels } from "@neurite/core";
import type { Engine } from "../engine.js";

export function fusedKernels(_engine: Engine): FusedKernels {
  return {};
}
