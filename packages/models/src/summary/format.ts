/** The table of a summary, 80 columns wide. */
import { formatShape, type Shape } from "@neurite/core";
import type { Summary, SummaryRow } from "./summary.js";

/** Columns after the layer's name: widths of shape, parameters, receptive field, multiply-adds. */
const WIDTHS = [20, 12, 8, 11] as const;
const WIDTH = 80;
const NAME = WIDTH - WIDTHS.reduce((sum, width) => sum + width + 1, 0);

const count = (n: number): string => n.toLocaleString("en-US");
const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);

function line(name: string, ...cells: readonly string[]): string {
  const columns = cells.map((cell, i) => cut(cell, WIDTHS[i]!).padStart(WIDTHS[i]!));
  return `${[cut(name, NAME).padEnd(NAME), ...columns].join(" ")}\n`;
}

const shapes = (outputs: readonly Shape[]): string =>
  outputs.length === 0 ? "–" : formatShape(outputs[0]!) + (outputs.length > 1 ? ` +${outputs.length - 1}` : "");

/** One number for axes that agree; – where the input has no positions. */
function field(receptive: SummaryRow["receptiveField"]): string {
  if (receptive === null) return "all";
  return new Set(receptive).size > 1 ? receptive.join("×") : String(receptive[0] ?? "–");
}

/** In full, or in thousands of millions from ten digits on. */
function big(n: number): string {
  if (n < 1e9) return count(n);
  const [scale, unit] = n < 1e12 ? [1e9, "G"] : [1e12, "T"];
  return `${(n / scale).toFixed(3)} ${unit}`;
}

function row({ path, type, depth, outputs, trainable, untrained, receptiveField, multiplyAdds }: SummaryRow): string {
  const name = path.slice(path.lastIndexOf(".") + 1);
  const parameters = trainable + untrained > 0 ? count(trainable + untrained) : "–";
  const label = `${" ".repeat(depth)}${name ? `${name} ` : ""}${type}`;
  return line(label, shapes(outputs), parameters, field(receptiveField), multiplyAdds > 0 ? big(multiplyAdds) : "–");
}

export function formatSummary({ rows, trainable, untrained, multiplyAdds, bytes }: Omit<Summary, "toString">): string {
  const rule = `${"─".repeat(WIDTH)}\n`;
  const total = [
    `Parameters      ${count(trainable + untrained)}: ${count(trainable)} trainable, ${count(untrained)} not`,
    `Size            ${(bytes / 2 ** 20).toFixed(2)} MiB`,
    `Multiply-adds   ${count(multiplyAdds)}`,
  ];
  const head = line("Layer", "Output", "Parameters", "Field", "Mult-adds");
  return `${head}${rule}${rows.map(row).join("")}${rule}${total.join("\n")}\n`;
}
