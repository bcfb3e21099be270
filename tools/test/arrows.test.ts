// The package map: which package may use which. It holds for manifests and for every import under src.
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, relative } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { type Project, packages, projects, sourceFiles } from "./workspace.js";

/** Every package may use core; these may use more. No package uses a backend, only apps, tests and tools do. */
const arrows: Record<string, string[]> = {
  models: ["layers"],
  training: ["autograd", "optimizers", "layers", "data", "io"],
  conformance: ["autograd"],
  "backend-worker-threads": ["backend-wasm"],
  auto: ["backend-cpu-js", "backend-wasm", "backend-worker-threads"],
};

const dependencyFields = ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"] as const;
const builtins = new Set(builtinModules);

function mayUse(user: Project, used: string): boolean {
  const target = projects.find((p) => p.name === used);
  if (!target || target.kind === "app") return false;
  if (user.kind === "app" || user.name === used) return true;
  return (used === "core" && user.name !== "core") || (arrows[user.name]?.includes(used) ?? false);
}

/** The folder name in `@neurite/<folder>/…`, or undefined for any other module. */
function neuritePackage(specifier: string): string | undefined {
  return /^@neurite\/([^/]+)/.exec(specifier)?.[1];
}

interface Import {
  file: string;
  specifier: string;
}

/** All static imports, re-exports, dynamic imports and import types of a project's sources. */
function imports(project: Project): Import[] {
  return sourceFiles(project).flatMap((file) => {
    const text = readFileSync(join(project.folder, "src", file), "utf8");
    return ts.preProcessFile(text).importedFiles.map(({ fileName }) => ({ file, specifier: fileName }));
  });
}

const show = ({ file, specifier }: Import): string => `src/${file} imports ${specifier}`;
const isProgram = (project: Project, file: string): boolean => project.name === "conformance" && file === "cli.ts";
const isNodeFile = (file: string): boolean => file === "node.ts" || file.startsWith("node/");

describe.each(projects.map((p) => [p.manifest.name, p] as const))("%s", (_, project) => {
  // the program of the conformance package is a tool: it loads the backend it is asked to check
  const found = imports(project).filter(({ file }) => !isProgram(project, file));

  it("depends only on packages that the package map allows", () => {
    const wrong = dependencyFields.flatMap((field) =>
      Object.keys(project.manifest[field] ?? {})
        .filter((name) => neuritePackage(name) && !mayUse(project, neuritePackage(name) as string))
        .map((name) => `${field}: ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it("imports only packages that the package map allows", () => {
    const wrong = found.filter(({ specifier }) => {
      const used = neuritePackage(specifier);
      return used !== undefined && !mayUse(project, used);
    });
    expect(wrong.map(show)).toEqual([]);
  });

  it("imports workspace packages that its manifest lists", () => {
    const listed = dependencyFields.flatMap((field) => Object.keys(project.manifest[field] ?? {}));
    const wrong = found.filter(({ specifier }) => {
      const used = neuritePackage(specifier);
      return used !== undefined && used !== project.name && !listed.includes(`@neurite/${used}`);
    });
    expect(wrong.map(show)).toEqual([]);
  });

  it("reaches no file outside its src by a relative import", () => {
    const src = join(project.folder, "src");
    const wrong = found.filter(
      ({ file, specifier }) =>
        specifier.startsWith(".") && relative(src, join(src, file, "..", specifier)).startsWith(".."),
    );
    expect(wrong.map(show)).toEqual([]);
  });
});

describe.each(packages.map((p) => [p.manifest.name, p] as const))("%s", (_, project) => {
  it("imports Node's modules and node files only below its ./node subpath", () => {
    const wrong = imports(project).filter(({ file, specifier }) => {
      if (isNodeFile(file) || isProgram(project, file)) return false;
      const node =
        specifier.startsWith("node:") || builtins.has(specifier) || /^@neurite\/[^/]+\/node$/.test(specifier);
      return node || /^\.{1,2}\/(.*\/)?node(\.js|\/.*)$/.test(specifier);
    });
    expect(wrong.map(show)).toEqual([]);
  });
});
