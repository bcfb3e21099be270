/** Installs the peers, which are a small workspace of their own, when they are first asked for. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Says which state of the lockfile is installed. */
const STAMP = ".neurite-peers";

/**
 * Installs with the pinned pnpm, running no install script. Every peer is optional: one that this platform lacks stays out.
 * @param root of the project, whose manifest pins pnpm
 * @returns why there are no peers, or null
 */
export async function installPeers(root: string, folder: string): Promise<string | null> {
  const lock = createHash("sha256")
    .update(readFileSync(join(folder, "pnpm-lock.yaml")))
    .digest("hex");
  const stamp = join(folder, "node_modules", STAMP);
  try {
    if (readFileSync(stamp, "utf8") === lock) return null;
  } catch {
    // nothing is installed yet
  }
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const args = ["--yes", packageManager, "install", "--dir", folder, "--frozen-lockfile", "--ignore-scripts"];
  const child = spawn("npx", args, { stdio: ["ignore", "pipe", "pipe"], shell: process.platform === "win32" });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part) => {
      output += part;
    });
  }
  const failure = await new Promise<string | null>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) => resolve(code === 0 ? null : (output.trim().split("\n").at(-1) ?? `exit code ${code}`)));
  });
  if (failure === null) writeFileSync(stamp, lock);
  return failure;
}
