/** Elementwise functions: each is rendered to one kernel per dtypes and rank. */
import type { Kernel, MapAttrs } from "@neurite/core";
import type { KernelArgument } from "../gpu.js";
import type { Launcher } from "../launcher.js";
import { type MapSource, mapSource } from "../map-source.js";
import { elementsOf, storageOf } from "../storage.js";
import { lengths, operand } from "../strided.js";

export const map = (launcher: Launcher): Kernel<MapAttrs> => {
  const sources = new Map<string, MapSource>();
  return ([out], inputs, { fn, scalars }) => {
    const rank = out.shape.length;
    const key = `map ${fn.uid} ${inputs.map((input) => input.dtype)} ${rank}`;
    let source = sources.get(key);
    if (!source) {
      source = mapSource(fn.program("map", inputs), rank);
      sources.set(key, source);
    }
    const args: KernelArgument[] = source.inputs.flatMap((input) => operand(inputs[input]));
    args.push(...lengths(out));
    for (const scalar of source.scalars) {
      args.push(Math.fround(typeof scalar === "number" ? scalars[scalar] : scalar.constant));
    }
    storageOf(out).bind(launcher.run(key, source.text, elementsOf(out), args));
    return undefined;
  };
};
