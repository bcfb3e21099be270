/** docs/book.md says the truth: its rows are the chapter's systems, and its links, symbols, tests and examples exist. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { EXAMPLES } from "../src/examples/index.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const file = join(root, "docs/book.md");
const document = readFileSync(file, "utf8");

/** The chapter's systems, by section. */
const SYSTEMS: Readonly<Record<string, readonly string[]>> = {
  "1. Neurons and the universal approximator": [
    "artificial neuron",
    "sigmoid, tanh, ReLU",
    "MLP as universal approximator",
  ],
  "2. Building blocks that connect layers": [
    "full connection",
    "nonlinear activation",
    "softmax",
    "max-pooling /m",
    "convolution",
    "batch normalization",
    "layer normalization",
    "time-delayed feedback",
    "tapped delay line",
    "attention",
  ],
  "3. Case studies (models)": ["fully connected DNN", "CNN", "RNN", "LSTM, GRU, HORNN", "transformer"],
  "4. Learning": ["MSE", "cross-entropy", "mini-batch SGD", "automatic differentiation", "checks"],
  "5. Heuristics and tricks": [
    "learning-rate annealing",
    "Adam",
    "Adagrad, Adadelta, AdaMax, momentum/Nesterov, RMSProp, AdamW",
    "weight decay",
    "weight normalization",
    "dropout",
    "data augmentation",
    "three learning curves",
    "gradient clipping, early stopping, initializers",
  ],
  "6. End-to-end learning": [
    "deconvolution (transposed convolution)",
    "WaveNet",
    "encoder–decoder",
    "sequence-to-sequence",
  ],
};

interface Link {
  readonly text: string;
  /** From the root, with forward slashes. */
  readonly path: string;
}

interface Row {
  readonly system: string;
  readonly symbols: readonly Link[];
  readonly tests: readonly Link[];
  readonly examples: readonly string[];
}

/** Links of Markdown; their texts may hold brackets in pairs. */
function linksOf(cell: string): Link[] {
  const links = cell.matchAll(/\[((?:[^[\]]|\[[^[\]]*\])+)\]\(([^()\s]+)\)/g);
  return Array.from(links, ([, text, target]) => ({
    text: text!,
    path: relative(root, join(dirname(file), target!)).replaceAll(sep, "/"),
  }));
}

function rowOf(line: string): Row {
  const cells = line.split("|").map((cell) => cell.trim());
  expect(cells, line).toHaveLength(6);
  const [, system, symbols, tests, examples] = cells as [string, string, string, string, string];
  return {
    system,
    symbols: linksOf(symbols),
    tests: linksOf(tests),
    examples: Array.from(examples.matchAll(/`([^`]+)`/g), ([, name]) => name!),
  };
}

const sections = document.split(/^## /m).slice(1);
const tables = sections.map((section): [string, Row[]] => {
  const [title, ...lines] = section.split("\n");
  const [head, rule, ...rows] = lines.filter((line) => line.startsWith("|"));
  expect(head).toBe("| system | package and symbol | test | example |");
  expect(rule).toMatch(/^\|(-+\|){4}$/);
  return [title!, rows.map(rowOf)];
});
const rows = tables.flatMap(([, own]) => own.map((row) => [row.system, row] as const));

describe("docs/book.md", () => {
  it("has a row for each system, section by section", () => {
    expect(tables.map(([title, own]) => [title, own.map(({ system }) => system)])).toEqual(Object.entries(SYSTEMS));
  });

  it("names every example that the app lists", () => {
    const named = new Set(rows.flatMap(([, { examples }]) => examples));
    expect(EXAMPLES.map(({ name }) => name).filter((name) => !named.has(name))).toEqual([]);
  });
});

describe.each(rows)("the row of %s", (_, { symbols, tests, examples }) => {
  it("links files that define the symbols, which the packages export", async () => {
    expect(symbols.length).toBeGreaterThan(0);
    for (const { text, path } of symbols) {
      const symbol = /^`(\w+)`$/.exec(text)?.[1];
      expect(symbol, text).toBeDefined();
      const [folder, name, ...inside] = path.split("/");
      expect([folder, inside[0], existsSync(join(root, path))], path).toEqual(["packages", "src", true]);
      expect(readFileSync(join(root, path), "utf8"), `${path} ${text}`).toMatch(
        new RegExp(`^export (class|(async )?function|const) ${symbol}\\b`, "m"),
      );
      const index = pathToFileURL(join(root, "packages", name!, "src/index.ts")).href;
      expect(await import(/* @vite-ignore */ index), `@neurite/${name}`).toHaveProperty(symbol!);
    }
  });

  it("names tests by words that stand in their files", () => {
    expect(tests.length).toBeGreaterThan(0);
    for (const { text, path } of tests) {
      expect(path).toMatch(/^(packages|apps)\/[^/]+\/test\/[^/]+\.ts$/);
      expect(existsSync(join(root, path)), path).toBe(true);
      const source = readFileSync(join(root, path), "utf8");
      // on one line, behind a quotation mark or as the key of a table of cases
      const quoted = source.split("\n").some((line) => {
        const at = line.indexOf(text);
        return at > 0 && /["'`]/.test(line.slice(0, at));
      });
      expect(quoted, `${path}: "${text}"`).toBe(true);
    }
  });

  it("has examples that the app lists", () => {
    const listed = EXAMPLES.map(({ name }) => name);
    expect(examples.length).toBeGreaterThan(0);
    expect(examples.filter((name) => !listed.includes(name))).toEqual([]);
  });
});
