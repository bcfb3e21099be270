/** Which cells a run measures. */
import { describe, expect, it } from "vitest";
import { type Engine, enginesOf, LIBRARIES, type Library, type Machine } from "../src/engines.js";
import { type Selectors, selectCells } from "../src/select.js";
import { QUICK, SUITES, WORKLOADS } from "../src/workloads.js";

const MACHINE: Machine = {
  nodes: [
    { version: "v20.20.2", path: "node20" },
    { version: "v24.21.0", path: "node24" },
  ],
  cores: 2,
  program: "cli.js",
  peers: "peers",
  python: (library) => (library === "numpy" ? "python3" : null),
};

const absent: Library[] = [];
const ENGINES = enginesOf(MACHINE, LIBRARIES, (library) => absent.push(library));

const select = (selectors: Selectors) => selectCells(WORKLOADS, ENGINES, selectors, { cores: 2, nodes: [20, 24] });
const show = ({ library, backend, variant, threads, node }: Engine) =>
  [library, backend, variant, threads, node?.slice(1, 3)].filter(Boolean).join(" ");
const of = (selectors: Selectors) => [...new Set(select(selectors).cells.map(({ engine }) => show(engine)))];
const workloadsOf = (selectors: Selectors) => [...new Set(select(selectors).cells.map(({ workload }) => workload.id))];

describe("the workloads", () => {
  it("have ids of their own, in the suites there are", () => {
    expect(new Set(WORKLOADS.map(({ id }) => id)).size).toBe(WORKLOADS.length);
    expect(new Set(WORKLOADS.map(({ suite }) => suite))).toEqual(new Set(SUITES));
  });

  it("give every array a seed of its own within the workload", () => {
    for (const { id, weights, inputs } of WORKLOADS) {
      const seeds = [...Object.values(weights), ...Object.values(inputs)].map(({ seed }) => seed);
      expect(new Set(seeds).size, id).toBe(seeds.length);
    }
  });
});

describe("the engines", () => {
  it("have relaxed SIMD and turbo only where the Node has them", () => {
    const wasm = ENGINES.filter(({ library, backend }) => library === "neurite" && backend === "wasm");
    expect(wasm.map(({ node, variant }) => `${node} ${variant}`)).toEqual([
      "v20.20.2 simd",
      "v24.21.0 simd",
      "v24.21.0 relaxed",
      "v24.21.0 turbo",
    ]);
  });

  it("leave out a library that no Python has, and say so", () => {
    expect(absent).toEqual(["torch"]);
    expect(ENGINES.some(({ library }) => library === "torch")).toBe(false);
  });

  it("give Python one thread by its environment", () => {
    const one = ENGINES.find(({ library, threads }) => library === "numpy" && threads === 1)!;
    expect(one.node).toBeNull();
    expect(one.command.env).toMatchObject({ OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" });
  });
});

describe("selectors", () => {
  it("choose by suite, workload, library, backend, variant, threads and Node", () => {
    expect(new Set(select({ suite: ["dispatch"] }).cells.map(({ workload }) => workload.suite))).toEqual(
      new Set(["dispatch"]),
    );
    expect(workloadsOf({ workload: ["matmul2048", "tiny_train"] })).toEqual(["matmul2048", "tiny_train"]);
    const one = { workload: ["mlp_train"], library: ["neurite"] };
    expect(of({ ...one, variant: ["turbo"], threads: [1] })).toEqual([
      "neurite wasm turbo 1 24",
      "neurite worker-threads turbo 1 24",
    ]);
    expect(of({ ...one, backend: ["cpu-js"], node: [20] })).toEqual(["neurite cpu-js 1 20"]);
  });

  it("keep engines outside of Node when a Node is chosen", () => {
    expect(of({ workload: ["matmul512"], library: ["numpy"], node: [24] })).toEqual(["numpy cpu 1", "numpy cpu 2"]);
  });

  it("leave peers on the older Node out, unless it is named", () => {
    const peer = { workload: ["mlp_train"], library: ["jax-js"] };
    expect(of(peer)).toEqual(["jax-js wasm 1 24"]);
    expect(select(peer).omitted).toEqual(["peers on the older Node"]);
    expect(of({ ...peer, node: [20] })).toEqual(["jax-js wasm 1 20"]);
    expect(select({ ...peer, node: [20] }).omitted).toEqual([]);
  });

  it("leave the largest products out, unless their suite is named", () => {
    expect(workloadsOf({})).not.toContain("matmul2048");
    expect(workloadsOf({ suite: ["kernels"] })).toContain("matmul2048");
  });

  it("compare thread counts in `scaling`, and use all cores elsewhere", () => {
    const shared = { library: ["neurite"], backend: ["worker-threads"] };
    expect(of({ ...shared, workload: ["mlp_train"], variant: ["relaxed"] })).toEqual([
      "neurite worker-threads relaxed 2 24",
    ]);
    expect(of({ ...shared, workload: ["threads_mlp_train"] })).toEqual([
      "neurite worker-threads relaxed 1 24",
      "neurite worker-threads relaxed 2 24",
    ]);
  });

  it("ask a library only for what it is made for", () => {
    const brain = select({ library: ["brain.js"] }).cells.map(({ workload }) => workload.id);
    expect(brain).toEqual(["tiny_train"]);
    const runtime = select({ library: ["onnxruntime"] }).cells.map(({ workload }) => workload.id);
    expect(runtime).toContain("conv_fwd");
    expect(runtime).toContain("resnet18_fwd");
    expect(runtime).not.toContain("conv_fwd_bwd");
    expect(runtime.filter((id) => id.endsWith("_train"))).toEqual([]);
  });

  it("measure six workloads with --quick, the slowest last", () => {
    expect(workloadsOf({ quick: true })).toEqual(QUICK);
    expect(workloadsOf({ quick: true, workload: ["softmax_4096x1024"] })).toEqual(["softmax_4096x1024"]);
  });
});
