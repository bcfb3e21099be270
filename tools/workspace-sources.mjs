// esbuild plugin: `@neurite/*` means the sources of this workspace, and npm packages stay outside the bundle.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";

const internal = Symbol("resolved by this plugin");

/** Map from import specifier (`@neurite/io/node`) to source file, read from the export maps. */
function sourceMap(root) {
  const map = new Map();
  for (const name of readdirSync(join(root, "packages"))) {
    const folder = join(root, "packages", name);
    if (!existsSync(join(folder, "package.json"))) continue;
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    for (const [subpath, entry] of Object.entries(manifest.exports)) {
      map.set(`${manifest.name}${subpath.slice(1)}`, join(folder, entry["@neurite/source"]));
    }
  }
  return map;
}

/**
 * With `external: false`, npm packages are bundled too. An external package is imported by its full path, because the
 * bundle lies in another folder than the package that depends on it.
 */
export function workspaceSources(root, { external = true } = {}) {
  const sources = sourceMap(root);
  return {
    name: "workspace-sources",
    setup(build) {
      build.onResolve({ filter: /^@neurite\// }, async (args) => {
        const path = sources.get(args.path);
        if (!path) return { errors: [{ text: `no package of the workspace exports ${args.path}` }] };
        // Resolving by path keeps the `sideEffects` of the package's manifest.
        return build.resolve(path, { kind: args.kind, resolveDir: root, pluginData: internal });
      });
      if (!external) return;
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        if (args.pluginData === internal || args.kind === "entry-point" || isAbsolute(args.path)) return null;
        const found = await build.resolve(args.path, {
          kind: args.kind,
          importer: args.importer,
          resolveDir: args.resolveDir,
          pluginData: internal,
        });
        // Not installed: an optional package, which only fails when it is really imported.
        return { path: found.errors.length > 0 ? args.path : found.path, external: true };
      });
    },
  };
}
