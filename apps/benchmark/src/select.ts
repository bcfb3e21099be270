/** Which cells a run measures: a workload on an engine each. */
import { type Engine, majorOf, suits } from "./engines.js";
import { QUICK, type Workload } from "./workloads.js";

export interface Cell {
  readonly workload: Workload;
  readonly engine: Engine;
}

/** Lists of the command line; undefined where a flag was not given. */
export interface Selectors {
  readonly suite?: readonly string[] | undefined;
  readonly workload?: readonly string[] | undefined;
  readonly library?: readonly string[] | undefined;
  readonly backend?: readonly string[] | undefined;
  readonly variant?: readonly string[] | undefined;
  readonly threads?: readonly number[] | undefined;
  readonly node?: readonly number[] | undefined;
  readonly quick?: boolean | undefined;
}

interface Machine {
  readonly cores: number;
  /** Major versions of Node. */
  readonly nodes: readonly number[];
}

/** What a run leaves out unless a selector that concerns it is given. */
interface Omission {
  readonly what: string;
  readonly unless: readonly (keyof Selectors)[];
  /** Only with `--quick`. */
  readonly quick?: true;
  readonly concerns: (cell: Cell, machine: { cores: number; newest: number }) => boolean;
}

const onOlder = ({ engine: { node } }: Cell, newest: number) => node !== null && majorOf(node) !== newest;

const OMISSIONS: readonly Omission[] = [
  {
    what: "matmul256, matmul2048 and the transposed matmul1024",
    unless: ["suite", "workload"],
    concerns: ({ workload }) => workload.extra,
  },
  {
    what: "worker-threads with fewer threads than cores",
    unless: ["threads"],
    concerns: ({ engine, workload }, { cores }) =>
      engine.backend === "worker-threads" && engine.threads < cores && !workload.id.startsWith("threads_"),
  },
  {
    what: "peers on the older Node",
    unless: ["node"],
    concerns: (cell, { newest }) => cell.engine.library !== "neurite" && onOlder(cell, newest),
  },
  {
    what: "the suite scaling on the older Node",
    unless: ["node"],
    concerns: (cell, { newest }) => cell.workload.suite === "scaling" && onOlder(cell, newest),
  },
  {
    what: "simd where the Node has relaxed SIMD",
    unless: ["variant"],
    concerns: ({ engine }) => engine.variant === "simd" && engine.node !== null && majorOf(engine.node) >= 22,
  },
  {
    what: "cpu-js outside of training and kernels, and on a second Node",
    unless: ["backend"],
    concerns: (cell, { newest }) =>
      cell.engine.backend === "cpu-js" &&
      (!["training", "kernels"].includes(cell.workload.suite) || onOlder(cell, newest)),
  },
  {
    what: "tfjs cpu, but for the tiny net and dispatch",
    unless: ["backend"],
    concerns: ({ engine, workload }) =>
      engine.library === "tfjs" && engine.backend === "cpu" && !["tiny", "dispatch"].includes(workload.kind),
  },
  {
    what: "worker-threads on the older Node and with turbo",
    unless: ["backend", "threads", "variant"],
    quick: true,
    concerns: (cell, { newest }) =>
      cell.engine.backend === "worker-threads" && (onOlder(cell, newest) || cell.engine.variant === "turbo"),
  },
  {
    what: "peers on several threads",
    unless: ["threads"],
    quick: true,
    concerns: ({ engine }) => engine.library !== "neurite" && engine.threads > 1,
  },
  {
    what: "all workloads but six",
    unless: ["suite", "workload"],
    quick: true,
    concerns: ({ workload }) => !QUICK.includes(workload.id),
  },
];

const among = <T>(list: readonly T[] | undefined, value: T) => list === undefined || list.includes(value);

/** Orders cells: peers in JavaScript last, each by workload. */
const slowness = ({ workload, engine: { library } }: Cell) =>
  QUICK.indexOf(workload.id) + (library === "tfjs" || library === "jax-js" ? QUICK.length : 0);

/** The cells of a run, by workload, and what was left out because nobody asked for it. */
export function selectCells(
  workloads: readonly Workload[],
  engines: readonly Engine[],
  selectors: Selectors,
  { cores, nodes }: Machine,
): { cells: Cell[]; omitted: string[] } {
  const omitted = new Set<string>();
  const newest = Math.max(...nodes);
  const wanted = ({ workload, engine }: Cell) =>
    among(selectors.suite, workload.suite) &&
    among(selectors.workload, workload.id) &&
    among(selectors.library, engine.library) &&
    among(selectors.backend, engine.backend) &&
    among(selectors.variant, engine.variant) &&
    among(selectors.threads, engine.threads) &&
    (engine.node === null || among(selectors.node, majorOf(engine.node)));
  const omissions = OMISSIONS.filter(
    ({ quick, unless }) => (!quick || selectors.quick) && unless.every((name) => selectors[name] === undefined),
  );
  const cells = workloads
    .flatMap((workload) => engines.map((engine) => ({ workload, engine })))
    .filter((cell) => suits(cell.engine, cell.workload) && wanted(cell))
    .filter((cell) => {
      const reasons = omissions.filter(({ concerns }) => concerns(cell, { cores, newest }));
      for (const { what } of reasons) omitted.add(what);
      return reasons.length === 0;
    });
  // the slowest last, for which the time may not suffice
  if (selectors.quick) cells.sort((a, b) => slowness(a) - slowness(b));
  return { cells, omitted: [...omitted] };
}
