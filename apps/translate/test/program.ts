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
  return collect(spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] }), watch);
}

function collect(child: ChildProcess, watch: (child: ChildProcess) => void): Promise<Ended> {
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]!.setEncoding("utf8").on("data", (part: string) => {
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

/** Runs the bundled program where no file may be larger than so many kB. */
export function limited(kilobytes: number, args: readonly string[]): Promise<Ended> {
  // sh counts blocks of 512 bytes
  const command = `ulimit -f ${2 * kilobytes}; exec "$0" "$@"`;
  const all = ["-c", command, process.execPath, join(ROOT, "apps/translate/dist/cli.js"), ...args];
  return collect(spawn("sh", all, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] }), () => {});
}

/** Runs the bundled program. */
export function program(args: readonly string[], watch?: (child: ChildProcess) => void): Promise<Ended> {
  return run([join(ROOT, "apps/translate/dist/cli.js"), ...args], watch);
}

/** Runs the bundled program in a terminal, and presses ctrl-C there so often once `when` has appeared on the screen. */
export function terminal(args: readonly string[], when: RegExp, times: number): Promise<Ended> {
  const words = [process.execPath, join(ROOT, "apps/translate/dist/cli.js"), ...args].map((word) => `'${word}'`);
  const child = spawn("script", ["-qfec", words.join(" "), "/dev/null"], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let screen = "";
  let pressed = 0;
  const press = () => {
    if (pressed++ >= times) return;
    child.stdin.write("\x03");
    setTimeout(press, 5);
  };
  child.stdout.on("data", (text: Buffer) => {
    screen += text;
    if (pressed === 0 && when.test(screen)) press();
  });
  return collect(child, () => {});
}
