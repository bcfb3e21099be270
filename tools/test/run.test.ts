// The door to the npm scripts, as far as it can be tested without installing anything.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./workspace.js";

function run(...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "tools", "run.mjs"), ...args], {
    encoding: "utf8",
  });
  return { status, stderr };
}

it("names the commands when none is given", () => {
  expect(run()).toEqual({ status: 1, stderr: expect.stringContaining("usage: npm run") });
});

it("refuses an unknown command by name", () => {
  expect(run("tset")).toEqual({ status: 1, stderr: expect.stringContaining('unknown command "tset"') });
});
