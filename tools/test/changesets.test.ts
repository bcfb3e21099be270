// The release notes that wait in .changeset.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packages, root } from "./workspace.js";

const folder = join(root, ".changeset");
const pending = readdirSync(folder).filter((file) => file.endsWith(".md") && file !== "README.md");
const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as { fixed: string[][] };

it("all published packages share one version group", () => {
  expect(config.fixed.map((group) => [...group].sort())).toEqual([packages.map((p) => p.manifest.name).sort()]);
});

// Core is a peer dependency, and a new minor version of a peer is a breaking change to changesets: in a 0.x group it
// would release 1.0.0. CONTRIBUTING.md says what to do for a breaking release before 1.0.
it("changesets ask for a patch until 1.0 is meant", () => {
  const wrong = pending.filter((file) => /^"[^"]+": (minor|major)/m.test(readFileSync(join(folder, file), "utf8")));
  expect(wrong).toEqual([]);
});
