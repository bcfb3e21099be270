// Child processes that share this process's terminal, signals and fate.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { env, platform } from "node:process";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs a command to its end and gives its exit code: 128 + signal number where a signal ended it, 127 where it does
 * not exist. With `capture`, collects its output instead of showing it.
 */
export function spawnTool(command, args, { capture, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: capture ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
      // Windows starts .cmd files only through its shell.
      shell: platform === "win32",
      ...options,
      env: {
        ...env,
        TURBO_TELEMETRY_DISABLED: "1",
        ...options.env,
        PATH: `${join(root, "node_modules", ".bin")}${delimiter}${env.PATH}`,
      },
    });
    child.stdout?.on("data", capture);
    child.stderr?.on("data", capture);
    const forward = (signal) => child.kill(signal);
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const s of signals) process.on(s, forward);
    const end = (code) => {
      for (const s of signals) process.off(s, forward);
      resolve(code);
    };
    child.on("error", (error) => end(error.code === "ENOENT" ? 127 : 1));
    child.on("close", (code, signal) => end(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}
