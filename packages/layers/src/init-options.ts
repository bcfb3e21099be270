import type { InitOptions } from "./initializers.js";

/** The options that initialisers and dropout read, out of a layer's. */
export function initOptions({ device, dtype, generator }: InitOptions): InitOptions {
  return { ...(device && { device }), ...(dtype && { dtype }), ...(generator && { generator }) };
}
