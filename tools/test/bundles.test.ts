// What users' bundlers make of the packages: they run in browsers, without eval, and cost only what is used.
import { gzipSync } from "node:zlib";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import {
  bundle,
  contributors,
  type Project,
  packages,
  portableEntries,
  readmeExample,
  runExample,
} from "./workspace.js";

/** Bytes, minified, of a program whose only import is `add`: tensors, dispatch and one elementwise op. */
const addCeiling = 43_000;

/** Files of ops that adding two tensors has no use for. Not matmul: it is a method of Tensor itself. */
const foreignOps =
  /\/ops\/(.*\/)?[^/]*(conv|pool|linear|lstm|gru|rnn|attention|softmax|norm|embed|gather|random|dropout|topk|entropy|cumsum|optimi)[^/]*\.ts$/i;

/** Calls of eval, Function and a constructor given text; a method that is called eval is none of them. */
function callsThatMakeCode(code: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const callee = node.expression.getText(source);
      const [first] = node.arguments ?? [];
      const givenText = first !== undefined && ts.isStringLiteralLike(first);
      if (callee === "eval" || callee === "Function" || (callee.endsWith(".constructor") && givenText)) {
        found.push(node.getText(source).slice(0, 80));
      }
    }
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile("bundle.js", code, ts.ScriptTarget.ES2022);
  visit(source);
  return found;
}

it("finds calls that make code", () => {
  const made = callsThatMakeCode(
    'eval("1"); new Function("2"); x.constructor("3"); model.eval(); class A { eval() {} }',
  );
  expect(made).toEqual(['eval("1")', 'new Function("2")', 'x.constructor("3")']);
});

const entries = packages.flatMap((p) => portableEntries(p).map((entry) => [entry, p] as const));

describe.each(entries)("%s", (entry) => {
  it("bundles for a browser and needs none of Node's modules", async () => {
    const { code, meta } = await bundle(`export * from "${entry}";`, { platform: "browser", external: ["node:*"] });
    const outside = Object.values(meta.outputs).flatMap((o) => o.imports.filter((i) => i.external));
    expect(outside.map((i) => i.path)).toEqual([]);
    // asking process for a module by name is allowed: it does nothing in a browser
    expect(/\b(from|import)\s*\(?\s*["']node:/.test(code), "imports of Node's modules").toBe(false);
  });
});

// GPU.js compiles its kernels from text, so its backend is the one exception.
describe.each(entries.filter(([, { name }]) => name !== "backend-gpujs"))("%s", (entry) => {
  it("makes no code from strings", async () => {
    const { code } = await bundle(`export * from "${entry}";`, {
      platform: "browser",
      // Comments and whitespace play no part then.
      minify: true,
      external: ["node:*"],
    });
    expect(callsThatMakeCode(code)).toEqual([]);
  });
});

it("imports of one op bring no other family of ops along", async () => {
  const { code, meta } = await bundle('export { add } from "@neurite/core";', { platform: "neutral", minify: true });
  const files = contributors(meta);
  console.log(`import { add }: ${code.length} bytes minified from ${files.size} files`);
  expect(code.length).toBeGreaterThan(0);
  expect([...files.keys()].filter((file) => foreignOps.test(file))).toEqual([]);
  expect(code.length).toBeLessThan(addCeiling);
});

it("the JavaScript backend runs where code from strings is forbidden", async () => {
  const strict = ["--disallow-code-generation-from-strings"];
  // The flag does what this test relies on.
  expect((await runExample('new Function("")', strict)).code).not.toBe(0);
  const backend = packages.find((p) => p.name === "backend-cpu-js") as Project;
  const example = readmeExample(backend);
  expect(example, "the README of backend-cpu-js has an example").toBeDefined();
  const result = await runExample(example ?? "", strict);
  expect(result, result.output).toMatchObject({ code: 0 });
});

/** A program that trains a multi-layer perceptron on the wasm backend, as a page would ship it. */
const mlpTraining = `
import { valueAndGrad } from "@neurite/autograd";
import { wasm } from "@neurite/backend-wasm";
import { crossEntropy, normal, randomIntegers, relu, setDefaultDevice } from "@neurite/core";
import { Linear, Module } from "@neurite/layers";
import { Adam } from "@neurite/optimizers";
setDefaultDevice(wasm());
class Perceptron extends Module {
  hidden = new Linear(784, 128);
  output = new Linear(128, 10);
  forward(x) { return this.output.forward(relu(this.hidden.forward(x))); }
}
const model = new Perceptron();
const optimizer = new Adam(model.parameters());
const step = valueAndGrad((x, y) => crossEntropy(model.forward(x), y), model.parameters());
export const losses = [];
const x = normal([32, 784]), y = randomIntegers([32], 0, 10);
for (let i = 0; i < 5; i++) {
  const { value, grads } = step(x, y);
  optimizer.step(grads);
  losses.push(value.itemSync());
}
`;

it("trains a perceptron from at most 68 kB, minified and compressed", async () => {
  const { code } = await bundle(mlpTraining, { platform: "browser", minify: true, external: ["node:*"] });
  const bytes = gzipSync(code, { level: 9 }).length;
  console.log(`MLP training on wasm: ${code.length} bytes minified, ${bytes} compressed`);
  expect(bytes).toBeLessThanOrEqual(68_000);
  const program = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  expect(program.losses.at(-1)).toBeLessThan(program.losses[0]);
});
