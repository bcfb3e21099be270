// The process state, and what happens when two copies of the package meet.

import { readFileSync } from "node:fs";
import { state, VERSION } from "@neurite/core";
import { afterEach, describe, expect, it, vi } from "vitest";

const KEY = Symbol.for("neurite/1");
const shared = globalThis as unknown as Record<symbol, { version: string; url: string } | undefined>;
const ours = shared[KEY];

afterEach(() => {
  shared[KEY] = ours;
  vi.resetModules();
});

/** Loads the module again, as a second copy of the package would. */
async function secondCopy() {
  vi.resetModules();
  return import("../src/state.js");
}

describe("the process state", () => {
  it("lies at a well-known place of the global object", () => {
    expect(shared[KEY]).toBe(state);
  });

  it("is shared by a second copy of the same version", async () => {
    expect((await secondCopy()).state).toBe(state);
  });

  it("is refused to a copy of another version, with both places and the remedy", async () => {
    shared[KEY] = { ...ours!, version: "0.0.9", url: "file:///app/node_modules/old/core.js" };
    const error = await secondCopy().then(
      () => null,
      (refused: Error & { code: string }) => refused,
    );
    expect(error?.code).toBe("ERR_VERSION");
    expect(error?.message).toContain("0.0.9 is loaded from file:///app/node_modules/old/core.js");
    expect(error?.message).toMatch(new RegExp(`received ${VERSION.replaceAll(".", "\\.")} from .*state`));
    expect(error?.message).toContain("Install a single version of @neurite/core");
  });

  it("has the version of the manifest", () => {
    const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(VERSION).toBe(manifest.version);
  });
});
