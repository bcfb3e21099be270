// What the tests of the workspace share: its projects, their source files, and esbuild as users would run it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, type BuildResult, build } from "esbuild";
import { plainFiles } from "../bundle.mjs";
import { workspaceSources } from "../workspace-sources.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));

interface Manifest {
  name: string;
  private?: boolean;
  sideEffects?: boolean | string[];
  exports?: Record<string, Record<string, string>>;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  [field: string]: unknown;
}

export interface Project {
  /** The folder's name, which is the package's name without its scope. */
  name: string;
  kind: "app" | "package";
  folder: string;
  manifest: Manifest;
}

export const projects: Project[] = (["packages", "apps"] as const).flatMap((group) =>
  readdirSync(join(root, group))
    .filter((name) => existsSync(join(root, group, name, "package.json")))
    .map((name) => {
      const folder = join(root, group, name);
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
      return { name, kind: group === "apps" ? "app" : "package", folder, manifest } as const;
    }),
);

export const packages = projects.filter((p) => p.kind === "package");

/** The TypeScript files under a project's src, as paths relative to src with forward slashes. */
export function sourceFiles({ folder }: Project): string[] {
  if (!existsSync(join(folder, "src"))) return [];
  return readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.replaceAll("\\", "/"));
}

/** The import specifiers of a package that must work in a browser: all its subpaths but ./node. */
export function portableEntries({ manifest }: Project): string[] {
  return Object.keys(manifest.exports ?? {})
    .filter((subpath) => subpath !== "./node")
    .map((subpath) => manifest.name + subpath.slice(1));
}

/** Bundles a module given as text, with the workspace's sources behind `@neurite/*`, and gives its code and metafile. */
export async function bundle(text: string, options: BuildOptions = {}): Promise<{ code: string; meta: Meta }> {
  const result = await build({
    absWorkingDir: root,
    stdin: { contents: text, resolveDir: root, loader: "ts", sourcefile: "input.ts" },
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2022",
    conditions: ["@neurite/source"],
    logLevel: "silent",
    ...options,
  });
  return { code: result.outputFiles?.[0]?.text ?? "", meta: result.metafile as Meta };
}

type Meta = NonNullable<BuildResult["metafile"]>;

/** The files that left code in a bundle, as paths from the root, with their bytes. */
export function contributors(meta: Meta): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const output of Object.values(meta.outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(output.inputs)) {
      if (bytesInOutput > 0) bytes.set(file, (bytes.get(file) ?? 0) + bytesInOutput);
    }
  }
  return bytes;
}

/** The first TypeScript block of a package's README, or undefined. */
export function readmeExample({ folder }: Project): string | undefined {
  return /```ts\r?\n(.*?)```/s.exec(readFileSync(join(folder, "README.md"), "utf8"))?.[1];
}

/** Runs a module given as text on Node, outside the workspace, and gives its exit code and output. */
export async function runExample(
  text: string,
  nodeOptions: string[] = [],
): Promise<{ code: number | null; output: string }> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "neurite-example-"));
  try {
    const outfile = join(folder, "example.mjs");
    const plugins = [workspaceSources(root)];
    const options: BuildOptions = { platform: "node", target: "node20", write: true, outfile, plugins };
    const { meta } = await bundle(text, options);
    for (const { path, contents } of plainFiles(root, folder, meta)) writeFileSync(path, contents);
    const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeOptions, outfile], {
      cwd: folder,
      encoding: "utf8",
    });
    return { code: status, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
