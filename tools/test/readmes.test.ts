// Every README shows a first example that is short and really runs.
import { describe, expect, it } from "vitest";
import { packages, readmeExample, root, runExample } from "./workspace.js";

/** "Ten lines that run", with a little slack for imports. */
const maxLines = 12;

describe("the README of the project", () => {
  const [project] = packages as [(typeof packages)[number]];
  const example = readmeExample({ ...project, folder: root });

  it("has an example that runs and trains", async () => {
    expect(example, "README.md has a ```ts block").toBeDefined();
    const { code, output } = await runExample(example ?? "");
    expect(code, output).toBe(0);
    const [weight, bias] = (output.match(/-?\d+\.\d+(e-\d+)?/g) ?? []).map(Number);
    expect(weight, output).toBeCloseTo(2, 2);
    expect(bias, output).toBeCloseTo(1, 2);
  });
});

describe.each(packages.map((p) => [p.manifest.name, p] as const))("README of %s", (_, project) => {
  const example = readmeExample(project);

  it("has a short TypeScript example", () => {
    expect(example, "README.md has a ```ts block").toBeDefined();
    const lines = example?.split("\n").filter((line) => line.trim() !== "") ?? [];
    expect(lines.length, lines.join("\n")).toBeLessThanOrEqual(maxLines);
  });

  it.runIf(example)("runs as it stands", async () => {
    const result = await runExample(example ?? "");
    expect(result, result.output).toMatchObject({ code: 0 });
  });
});
