/** Renders a typed program of an elementwise function to the text of one kernel. */
import type { Operation, Program } from "@neurite/core";
import { literal, render } from "./intrinsics.js";
import { coordinates, element, lengthNames, operandNames } from "./strided.js";

/** A kernel's text and what it wants as arguments, in this order after the operands and lengths. */
export interface MapSource {
  readonly text: string;
  /** Indices of the inputs that occur. */
  readonly inputs: readonly number[];
  /** Scalars by index, and constants that have no literal (∞, NaN, −0). */
  readonly scalars: readonly (number | { readonly constant: number })[];
}

export function mapSource({ steps, results }: Program, rank: number): MapSource {
  const inputs: number[] = [];
  const scalars: (number | { readonly constant: number })[] = [];
  const names = new Map<string, string>();

  const argument = (key: string, scalar: number | { readonly constant: number }): string => {
    let name = names.get(key);
    if (!name) {
      name = `p${scalars.push(scalar) - 1}`;
      names.set(key, name);
    }
    return name;
  };
  const name = (operation: Operation): string => {
    switch (operation.kind) {
      case "step":
        return `v${operation.index}`;
      case "input":
        if (!inputs.includes(operation.index)) inputs.push(operation.index);
        return `x${operation.index}`;
      case "scalar":
        return argument(`s${operation.index}`, operation.index);
      default: {
        const { value } = operation;
        const plain = Number.isFinite(Math.fround(value)) && !Object.is(value, -0);
        return plain ? literal(value) : argument(`c${Object.is(value, -0) ? "-0" : value}`, { constant: value });
      }
    }
  };

  const lines = steps.map((step, i) => {
    const { before, value } = render(step.fn, `v${i}`, step.args.map(name));
    // Mode cpu computes in float64; rounding each step makes it float32 arithmetic, as it is elsewhere.
    const rounded = step.type === "bool" ? value : `Math.fround(${value})`;
    return `${before ? `${before}\n  ` : ""}const v${i} = ${rounded};`;
  });
  const answer = name(results[0]);
  const parameters = [
    ...inputs.flatMap((input) => operandNames(input, rank)),
    ...lengthNames(rank),
    ...scalars.map((_, i) => `p${i}`),
  ];
  const text = `function (${parameters.join(", ")}) {
  ${coordinates(rank)}
  ${inputs.map((input) => `const x${input} = ${element(input, rank)};`).join("\n  ")}
  ${lines.join("\n  ")}
  return ${answer};
}`;
  return { text, inputs, scalars };
}
