// The door to every npm script: `node tools/run.mjs <command> [args…]`.
// Makes sure that what the command needs is installed, then runs it in the caller's folder.
// Built-ins only: this file must work on a bare clone. See install.mjs, bundle.mjs and test-all.mjs for the parts.
import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import { chdir, cwd, env, exit, platform, versions } from "node:process";

const usage = `usage: npm run <command> -- [args…]
  demo         translate between languages (subcommands: demo, train, translate, evaluate)
  test         every check and test; npm test -- PATTERN runs only the matching tests
  conformance  run the backend conformance suite
  bench        time ops and models beside other libraries, which it installs when asked for them
  fuzz         random calls and programs, compared between backends and with float64
  book         lists the chapter's examples; npm run book -- NAME runs one
  build | lint | format | typecheck`;

/** Subcommands of the translate app; anything else goes to its subcommand `demo`. */
const translateCommands = ["demo", "train", "translate", "evaluate"];

const commands = {
  demo: async (args, run) => {
    const gpujs = args.some((a, i) => a === "--backend=gpujs" || (a === "gpujs" && args[i - 1] === "--backend"));
    await run.install(gpujs ? ["translate", "backend-gpujs"] : ["translate"]);
    const asks = translateCommands.includes(args[0]) || ["help", "--help", "-h", "--version", "-V"].includes(args[0]);
    await run.app("apps/translate", asks ? args : ["demo", ...args]);
  },
  conformance: async (args, run) => {
    await run.install();
    await run.app("packages/conformance", args);
  },
  book: async (args, run) => {
    await run.install(["book"]);
    await run.app("apps/book", args);
  },
  fuzz: async (args, run) => {
    await run.install(["fuzz"]);
    await run.app("apps/fuzz", args);
  },
  bench: async (args, run) => {
    await run.install(["benchmark"]);
    await run.app("apps/benchmark", args);
  },
  test: async (args, run) => {
    await run.install();
    const patterns = args.map(run.fromRoot);
    chdir(run.root);
    const { testAll } = await import("./test-all.mjs");
    exit(await testAll(patterns));
  },
  build: (args, run) => run.tool("pnpm", ["exec", "turbo", "run", "build", ...args]),
  lint: (args, run) => run.tool("biome", ["check", ...args]),
  format: (args, run) => run.tool("biome", ["check", "--write", ...args]),
  typecheck: (args, run) => run.tool("tsc", ["--project", ".", ...args]),
};

const [major, minor] = versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`neurite needs Node 20.19 or newer; this is Node ${versions.node}.`);
}
const [name, ...rest] = process.argv.slice(2);
// npm eats the first `--`; callers of this file may write it themselves.
const args = rest[0] === "--" ? rest.slice(1) : rest;
if (!name || !Object.hasOwn(commands, name)) fail(name ? `unknown command "${name}"\n${usage}` : usage);

endWithParent();

// Imported late, so that an old Node meets the message above first.
const { root, install, pnpm, InstallError } = await import("./install.mjs");
const { spawnTool } = await import("./spawn.mjs");
// Paths among the arguments belong to the folder in which the user typed the command.
chdir(env.INIT_CWD ?? cwd());

try {
  await commands[name](args, {
    root,
    install,
    async app(dir, appArgs) {
      const { bundleAndRun } = await import("./bundle.mjs");
      await bundleAndRun(root, dir, appArgs);
    },
    fromRoot,
    async tool(tool, toolArgs) {
      await install();
      const paths = toolArgs.map(fromRoot);
      chdir(root);
      exit(await (tool === "pnpm" ? pnpm(paths) : spawnTool(tool, paths)));
    },
  });
} catch (error) {
  if (error instanceof InstallError) fail(error.message);
  throw error;
}

/** An argument that names something in the caller's folder, as a path from the root, where the tools run. */
function fromRoot(arg) {
  const path = resolve(arg);
  return existsSync(path) ? relative(root, path) || "." : arg;
}

/**
 * npm starts this file through a shell and sends a signal that it receives (`docker stop`, a supervisor) to that shell
 * alone. When the shell is gone, the command must not run on unseen.
 */
function endWithParent() {
  if (!env.npm_lifecycle_event || platform === "win32") return;
  const parent = process.ppid;
  const check = () => {
    if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
  };
  setInterval(check, 500).unref();
}

function fail(message) {
  console.error(message);
  exit(1);
}
