// Runs a TypeScript program of the workspace on plain Node: bundles its src/cli.ts with esbuild (~100 ms), then imports
// the result into this very process, so that signals and exit codes are the program's own.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { workspaceSources } from "./workspace-sources.mjs";

export async function bundleAndRun(root, dir, args) {
  const file = await bundle(root, dir);
  process.argv = [process.execPath, file, ...args];
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(file).href);
}

/** Bundles `<dir>/src/cli.ts` and gives the path of the program: `dist/cli.js` in an app. */
export async function bundle(root, dir) {
  const folder = join(root, dir);
  const entry = join(folder, "src", "cli.ts");
  if (!existsSync(entry)) {
    console.error(`${dir} has no program yet: ${dir}/src/cli.ts is missing.`);
    process.exit(1);
  }
  const esbuild = createRequire(join(folder, "package.json"))("esbuild");
  // The dist folder of a package is what gets published.
  const outdir = join(folder, dir.startsWith("apps/") ? "dist" : ".run");
  try {
    const { outputFiles, metafile } = await esbuild.build({
      absWorkingDir: root,
      entryPoints: [entry],
      outdir,
      bundle: true,
      write: false,
      // Lazy imports (an optional backend) stay lazy.
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      sourcemap: true,
      metafile: true,
      logLevel: "warning",
      plugins: [workspaceSources(root)],
    });
    writeChanged(outdir, [...outputFiles, ...plainFiles(root, outdir, metafile)]);
  } catch (error) {
    // Mistakes in the sources: esbuild has already shown them with their places.
    if (!Array.isArray(error.errors)) throw error;
    process.exit(1);
  } finally {
    await esbuild.stop();
  }
  return join(outdir, "cli.js");
}

/** Plain JavaScript beside the sources in the bundle, such as a worker's entry, which is loaded by its address. */
export function plainFiles(root, outdir, metafile) {
  const folders = new Set(
    Object.keys(metafile.inputs).flatMap((path) => /^packages\/[^/]+\/src(?=\/)/.exec(path) ?? []),
  );
  return [...folders].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".js"))
      .map((name) => ({ path: join(outdir, name), contents: readFileSync(join(root, folder, name)) })),
  );
}

/**
 * Writes the files whose content changed and removes chunks left over from earlier days. Younger ones stay: another run
 * of the program may not have imported its lazy chunks yet.
 */
function writeChanged(outdir, files) {
  mkdirSync(outdir, { recursive: true });
  const current = new Set(files.map((f) => f.path));
  for (const name of readdirSync(outdir)) {
    const path = join(outdir, name);
    if (!current.has(path) && Date.now() - statSync(path).mtimeMs > 7 * 24 * 3600e3)
      rmSync(path, { recursive: true, force: true });
  }
  for (const { path, contents } of files) {
    if (existsSync(path) && readFileSync(path).equals(contents)) continue;
    // Renaming is atomic: a run that starts now sees the old file or the new one, never half a file.
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, contents);
    renameSync(draft, path);
  }
}
