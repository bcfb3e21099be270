import { type OptionKinds, pickOptions } from "@neurite/core/expect";
import type { InitOptions } from "./initializers.js";

/** What the options may be that initialisers and dropout read. */
export const INIT_OPTIONS: OptionKinds<InitOptions> = { device: "device", dtype: "dtype", generator: "generator" };

/** The options that initialisers and dropout read, out of a layer's. */
export function initOptions(options: InitOptions): InitOptions {
  return pickOptions(options, INIT_OPTIONS);
}
