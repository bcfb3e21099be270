// Every README shows a first example that is short and really runs.
import { describe, expect, it } from "vitest";
import { packages, readmeExample, runExample } from "./workspace.js";

/** "Ten lines that run", with a little slack for imports. */
const maxLines = 12;

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
