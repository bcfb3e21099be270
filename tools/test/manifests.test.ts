// The fields in which all manifests must agree.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packages, projects } from "./workspace.js";

const versions = new Set(packages.map((p) => p.manifest.version));

it("gives all published packages one version", () => {
  expect([...versions]).toHaveLength(1);
});

describe.each(projects.map((p) => [p.manifest.name, p] as const))("%s", (_, { name, manifest }) => {
  it("is named for its folder, under the MIT licence, an ES module for the supported Node versions", () => {
    expect(manifest).toMatchObject({
      name: `@neurite/${name}`,
      license: "MIT",
      type: "module",
      engines: { node: ">=20.19" },
      description: expect.stringMatching(/\.$/),
    });
  });

  it("runs nothing when it is installed", () => {
    const scripts = Object.keys(manifest.scripts ?? {});
    expect(scripts.filter((s) => /^(pre|post)?(install|prepare)$|^dependencies$/.test(s))).toEqual([]);
  });
});

describe.each(packages.map((p) => [p.manifest.name, p] as const))("%s", (_, { name, folder, manifest }) => {
  it("is published with its sources and tells bundlers where side effects are", () => {
    expect(manifest.private).toBeUndefined();
    expect(manifest.files).toEqual(["dist", "src"]);
    expect(manifest.sideEffects).toEqual(name === "core" ? ["./dist/fluent.js", "./src/fluent.ts"] : false);
  });

  it("exports each entry as source, types and code, in this order", () => {
    for (const [subpath, entry] of Object.entries(manifest.exports ?? {})) {
      const file = subpath === "." ? "index" : subpath.slice(2);
      expect(Object.entries(entry)).toEqual([
        ["@neurite/source", `./src/${file}.ts`],
        ["types", `./dist/${file}.d.ts`],
        ["default", `./dist/${file}.js`],
      ]);
      expect(existsSync(join(folder, "src", `${file}.ts`)), `src/${file}.ts exists`).toBe(true);
    }
  });

  it(name === "core" ? "has no dependency" : "takes core from its user", () => {
    if (name === "core") {
      for (const field of ["dependencies", "peerDependencies", "optionalDependencies"] as const) {
        expect(manifest[field]).toBeUndefined();
      }
    } else {
      expect(manifest.peerDependencies).toEqual({ "@neurite/core": "workspace:^" });
      expect(manifest.devDependencies).toMatchObject({ "@neurite/core": "workspace:*" });
      expect(manifest.dependencies ?? {}).not.toHaveProperty("@neurite/core");
    }
  });

  it("lets users deduplicate: workspace dependencies are ranges", () => {
    const workspace = Object.entries(manifest.dependencies ?? {}).filter(([d]) => d.startsWith("@neurite/"));
    expect(workspace.filter(([, range]) => range !== "workspace:^")).toEqual([]);
  });
});
