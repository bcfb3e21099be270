/** The program as a child process. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command and collects what it prints; `watch` may kill it. */
function run(args: readonly string[], watch: (child: ChildProcess) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (part: string) => {
      text[name] += part;
    });
  }
  watch(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...text }));
  });
}

/** Bundles the program, once before the first `program`. */
export async function bundle(): Promise<void> {
  const { code, stderr } = await run([join(ROOT, "tools/run.mjs"), "demo", "--help"]);
  if (code !== 0) throw new Error(stderr);
}

/** Runs the bundled program. */
export function program(args: readonly string[], watch?: (child: ChildProcess) => void): Promise<Ended> {
  return run([join(ROOT, "apps/translate/dist/cli.js"), ...args], watch);
}
