// Installs what a command needs with the pinned pnpm, once per state of the lockfile and the manifests.
// Built-ins only: nothing is installed yet when this runs.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, spawnTool } from "./spawn.mjs";

export { root };
export class InstallError extends Error {}

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const pinned = manifest.packageManager;
const stampFile = join(root, "node_modules", ".neurite-install.json");
const everything = "*";

/** Runs the pinned pnpm; npx keeps it in npm's cache, so nothing is installed globally. */
export function pnpm(args, options) {
  return spawnTool("npx", ["--yes", pinned, ...args], options);
}

/**
 * Installs the named workspace packages with what they need at run time, or everything when none is named.
 *
 * pnpm includes the root project in every install, so only `--prod` keeps the development tools out; but `--prod` on top
 * of a full installation would tear that down. Where one exists, it is brought up to date instead.
 */
export async function install(packages = [everything]) {
  const key = fingerprint();
  const done = installed(key);
  if (done.includes(everything) || packages.every((p) => done.includes(p))) return;

  const wanted = hasDevelopmentTools() ? [everything] : [...new Set([...done, ...packages])];
  const all = wanted.includes(everything);
  console.error(`installing dependencies (${all ? "all" : wanted.join(", ")}) …`);
  // An interrupted installation must not pass for a finished one.
  rmSync(stampFile, { force: true });
  let output = "";
  const capture = (chunk) => {
    output += chunk;
  };
  const code = await pnpm(["install", "--frozen-lockfile", ...(all ? [] : ["--prod", ...filters(wanted)])], {
    capture,
  });
  if (code !== 0) throw new InstallError(explain(code, output));
  writeFileSync(stampFile, JSON.stringify({ key, installed: wanted, folders: moduleFolders() }));
}

/** `name...` is the package with its workspace dependencies; the optional GPU backend only comes when asked for. */
function filters(names) {
  const filters = names.map((name) => `--filter=@neurite/${name}...`);
  return names.includes("backend-gpujs") ? filters : [...filters, "--filter=!@neurite/backend-gpujs"];
}

/** Whether node_modules holds a full installation, of whatever age and by whomever. */
function hasDevelopmentTools() {
  try {
    // pnpm writes this YAML file as JSON.
    return JSON.parse(readFileSync(join(root, "node_modules", ".modules.yaml"), "utf8")).included.devDependencies;
  } catch {
    return existsSync(join(root, "node_modules", "vitest"));
  }
}

/** What a stamp with this fingerprint says is installed, as long as all its folders still exist. */
function installed(key) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, "utf8"));
    return stamp.key === key && stamp.folders.every((f) => existsSync(join(root, f))) ? stamp.installed : [];
  } catch {
    return [];
  }
}

function moduleFolders() {
  const folders = [".", ...projects()].map((p) => join(p, "node_modules"));
  return [...folders, join("node_modules", ".pnpm")].filter((f) => existsSync(join(root, f)));
}

/** The folders of all workspace projects, relative to the root. */
function projects() {
  return ["packages", "apps"].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(group, name))
      .filter((folder) => existsSync(join(root, folder, "package.json"))),
  );
}

function fingerprint() {
  const hash = createHash("sha256");
  const manifests = [".", ...projects()].map((p) => join(p, "package.json"));
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests]) {
    const path = join(root, file);
    hash.update(file).update(existsSync(path) ? readFileSync(path) : "");
  }
  return hash.digest("hex");
}

function explain(code, output) {
  if (code === 127) return "npx was not found: neurite's scripts need npm (with npx) on the PATH.";
  if (code > 128) return "the installation was interrupted.";
  const hint = output.includes("OUTDATED_LOCKFILE")
    ? `\npnpm-lock.yaml does not fit the package.json files: run \`npx ${pinned} install\` once and commit the lockfile.`
    : "\nCheck the network and the npm registry settings, then try again.";
  return `${output.trim()}\n\nthe installation failed (pnpm exit code ${code}).${hint}`;
}
