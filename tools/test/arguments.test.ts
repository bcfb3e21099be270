// Every public function meets what does not belong to it: wrong kinds of values, numbers that are no integers, misspelt options.
import * as autograd from "@neurite/autograd";
import { cpuJs } from "@neurite/backend-cpu-js";
import * as core from "@neurite/core";
import { setDefaultDevice } from "@neurite/core";
import * as data from "@neurite/data";
import * as io from "@neurite/io";
import * as losses from "@neurite/losses";
import * as optimizers from "@neurite/optimizers";
import { beforeEach, describe, expect, it } from "vitest";
import { CORE, CORE_TRUSTED } from "./arguments/core.js";
import { AUTOGRAD, AUTOGRAD_TRUSTED, DATA, DATA_TRUSTED, IO } from "./arguments/data.js";
import { LAYERS } from "./arguments/layers.js";
import { MODELS, TRAINING } from "./arguments/models.js";
import { LOSSES, OPTIMIZERS, OPTIMIZERS_TRUSTED } from "./arguments/training.js";
import { acceptedNames, acceptedNumbers, type Calls, unexplained, validity } from "./arguments/walk.js";

beforeEach(() => setDefaultDevice(cpuJs()));

const packages: Readonly<Record<string, { exports: object; calls: Calls; trusted: readonly string[] }>> = {
  core: { exports: core, calls: CORE, trusted: CORE_TRUSTED },
  losses: { exports: losses, calls: LOSSES, trusted: [] },
  optimizers: { exports: optimizers, calls: OPTIMIZERS, trusted: OPTIMIZERS_TRUSTED },
  data: { exports: data, calls: DATA, trusted: DATA_TRUSTED },
  io: { exports: io, calls: IO, trusted: [] },
  autograd: { exports: autograd, calls: AUTOGRAD, trusted: AUTOGRAD_TRUSTED },
  models: { exports: {}, calls: MODELS, trusted: [] },
  training: { exports: {}, calls: TRAINING, trusted: [] },
  layers: { exports: {}, calls: LAYERS, trusted: [] },
};

describe.each(Object.entries(packages))("%s", (_, { exports, calls, trusted }) => {
  it("has a valid call of each of its functions and classes here", () => {
    const listed = new Set([...Object.keys(calls).map((name) => name.split(/[ ,.]/)[0]), ...trusted]);
    const functions = Object.entries(exports).filter(([, value]) => typeof value === "function");
    expect(functions.map(([name]) => name).filter((name) => !listed.has(name))).toEqual([]);
  });

  describe.each(Object.entries(calls))("%s", (name, call) => {
    it("takes a valid call", async () => {
      expect(await validity(name, call)).toEqual([]);
    });

    it("explains wrong kinds of values", async () => {
      expect(await unexplained(name, call)).toEqual([]);
    });

    it("refuses numbers that are no integers, and unknown options", async () => {
      expect([...(await acceptedNumbers(name, call)), ...(await acceptedNames(name, call))]).toEqual([]);
    });
  });
});
