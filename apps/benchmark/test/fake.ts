/** Engines whose processes are fakes: they answer as told, so that the schedule can be tested without libraries. */
import type { Engine, Library } from "../src/engines.js";
import type { Workload } from "../src/workloads.js";

/** What a fake does. The reference's losses are 5, 4, 3, 2, 1. */
export type Behaviour =
  | "right"
  | "wrong"
  | "crash"
  | "crash later"
  | "hang"
  | "hang later"
  | "noise"
  | "refuse"
  | "remark";

const CODE = `
const [behaviour, name, log] = process.argv.slice(1);
const losses = [5, 4, 3, 2, behaviour === "wrong" ? 1.01 : 1];
let times = 0;
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  if (log) require("node:fs").appendFileSync(log, name + " " + request.do + "\\n");
  const answer = (ok) => console.log(JSON.stringify({ ok }));
  if (behaviour === "crash") throw new Error("error: it broke");
  if (behaviour === "hang") return;
  if (behaviour === "noise") console.log("Hi, I am a banner");
  if (behaviour === "refuse") return console.log(JSON.stringify({ error: "no such kernel" }));
  if (request.do === "open") answer({ version: "1.2.3", ...(behaviour === "remark" ? { note: "slowed" } : {}) });
  else if (request.do === "check") answer({ groups: [losses], lastMs: 2 });
  else if (request.do === "first") answer({ ms: 20 });
  else if (request.do === "memory") answer({ startMiB: 50, endMiB: 51, peakRssMiB: 52 });
  else {
    times++;
    // warm-up asks at least twice; later is in the rounds
    if (request.lead > 0 && behaviour === "crash later") process.exit(3);
    if (request.lead > 0 && behaviour === "hang later") return;
    answer({ ms: 2 * request.calls, peakRssMiB: 60 });
  }
});
`;

export function fakeEngine(behaviour: Behaviour, options: Partial<Engine> & { log?: string } = {}): Engine {
  const { log = "", ...rest } = options;
  const library: Library = rest.library ?? "tfjs";
  return {
    library,
    backend: "wasm",
    variant: "",
    threads: 1,
    node: process.version,
    command: { program: process.execPath, args: ["-e", CODE, behaviour, rest.library ?? behaviour, log] },
    ...rest,
  };
}

export const trainingWorkload: Workload = {
  suite: "training",
  id: "fake_train",
  kind: "tiny",
  mode: "calls",
  options: { learningRate: 0.1 },
  weights: {},
  inputs: {},
  flops: 4e6,
  bytes: null,
  work: null,
  operations: 1,
  extra: false,
};
