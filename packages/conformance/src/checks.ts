/**
 * Turns a case into checks: one claim each, with a sentence for a name.
 * Read next: `runner.ts`, which runs them on a device.
 */
import { Device, type DType, NeuriteError } from "@neurite/core";
import { type Case, type ErrorSample, FLOATS, type Sample, type Tolerance } from "./case.js";
import { compare, Mismatch } from "./compare.js";
import { delegate } from "./delegate.js";
import { evaluate, expectedOf, expectUnchanged, makeInputs, poison, type Wrap } from "./evaluate.js";
import { betweenGuards } from "./guards.js";
import { applies, LAYOUT_WORDS, type Layout } from "./layouts.js";
import { expectRefusal } from "./refusal.js";
import { checkFirst, checkSecond, runFirst } from "./slopes.js";

/** What checks run on. */
export interface Bench {
  readonly device: Device;
  readonly wrap: Wrap;
  tolerance(op: string, own: Tolerance | undefined): Required<Omit<Tolerance, "reason">>;
}

export interface Check {
  readonly name: string;
  readonly op: string;
  readonly dtype: DType;
  /** Why it has nothing to say about this device, or null. */
  skip(device: Device): string | null;
  /** Returns the largest error. @throws Error when the claim does not hold */
  run(bench: Bench): Promise<number>;
}

/** All checks of a case, in the dtypes wanted. */
export function checksOf(subject: Case, dtypes: readonly DType[]): Check[] {
  const checks: Check[] = [];
  const { op } = subject;
  const own = subject.dtypes ?? FLOATS;
  for (const dtype of dtypes) {
    for (const sample of subject.samples ?? []) {
      if ((sample.dtypes ?? own).includes(dtype)) checks.push(...sampleChecks(subject, sample, dtype));
      else checks.push(strayCheck(subject, sample, dtype));
    }
    for (const error of subject.errors ?? []) {
      if ((error.dtype ?? "float32") === dtype) checks.push(errorCheck(subject, error, dtype));
    }
    for (const free of subject.checks ?? []) {
      if (!(free.dtypes ?? ["float32"]).includes(dtype)) continue;
      checks.push({
        name: `${op} ${free.name} [${dtype}]`,
        op,
        dtype,
        skip: (device) => unsupported(device, dtype, subject.storage),
        run: ({ device }) => guarded(device, async () => free.run({ device, dtype })),
      });
    }
  }
  return checks;
}

/** Runs `body` and demands that the device holds as much afterwards as before. */
async function guarded(device: Device, body: () => Promise<unknown>): Promise<number> {
  const before = device.memory();
  await body();
  expectSameMemory(device, before);
  return 0;
}

function expectSameMemory(device: Device, before: { readonly storages: number; readonly bytes: number }): void {
  const after = device.memory();
  if (after.storages !== before.storages || after.bytes !== before.bytes) {
    throw new Mismatch(
      `the device holds ${after.storages} storages of ${after.bytes} bytes afterwards, ${before.storages} of ${before.bytes} before`,
    );
  }
}

function unsupported(device: Device, dtype: DType, storage: boolean | undefined): string | null {
  const support = device.backend.dtypes[dtype];
  if (support === "arithmetic" || (support === "storage" && storage)) return null;
  return `backend "${device.name}" has no ${support === "storage" ? "arithmetic for" : ""} ${dtype}`.replace("  ", " ");
}

function errorCheck({ op, storage }: Case, error: ErrorSample, dtype: DType): Check {
  return {
    name: `${op} refuses ${error.name} [${dtype}]`,
    op,
    dtype,
    skip: (device) => unsupported(device, dtype, storage),
    run: ({ device }) => guarded(device, () => expectRefusal(error, { device, dtype })),
  };
}

const STRIDED = ["transposed", "stepped", "flipped", "stretched"] as const;

function sampleChecks(subject: Case, sample: Sample, dtype: DType): Check[] {
  const { op } = subject;
  const seed = `${op} ${sample.name}`;
  const checks: Check[] = [];
  const tolerance = (bench: Bench) => {
    const own = bench.tolerance(op, subject.tolerance);
    return dtype === "float64" ? own.float64 : own.float32;
  };
  const add = (claim: string, run: (bench: Bench) => Promise<number>, skip?: (device: Device) => string | null) => {
    checks.push({
      name: `${op} ${sample.name} ${claim} [${dtype}]`,
      op,
      dtype,
      skip: (device) => sampleUnsupported(subject, sample, dtype, device) ?? skip?.(device) ?? null,
      run,
    });
  };
  const values = (layout: Layout) => async (bench: Bench) => {
    const inputs = makeInputs(sample, dtype, layout, seed);
    const expected = expectedOf(sample, dtype, inputs);
    const actual = await evaluate(bench, sample, dtype, inputs, layout);
    if (actual.length !== expected.length) {
      throw new Mismatch(`there are ${actual.length} results, not ${expected.length}`);
    }
    const options = { ...sample, tolerance: tolerance(bench) };
    return Math.max(...expected.map((wanted, i) => compare(`result ${i}`, actual[i], wanted, options)));
  };

  add("gives the values, shape and dtype of the reference", values("contiguous"));
  for (const layout of sample.layouts === false ? [] : STRIDED) {
    const differs = sample.inputs.some(({ shape }) => applies(layout, shape));
    const fixed = layout === "stretched" && sample.inputs.some(({ values }) => typeof values !== "function");
    if (differs && !fixed) add(`gives the same from ${LAYOUT_WORDS[layout]}`, values(layout));
  }
  if (sample.inputs.length > 0) {
    add("leaves its inputs unchanged", (bench) => expectUnchanged(bench, sample, dtype, seed));
  }
  add("gives back all storage", async (bench) => {
    const inputs = makeInputs(sample, dtype, "contiguous", seed);
    return guarded(bench.device, () => evaluate(bench, sample, dtype, inputs, "contiguous"));
  });
  add("shows nothing that freed storages held", async (bench) => {
    const inputs = makeInputs(sample, dtype, "contiguous", seed);
    poison(bench.device, [...inputs, ...expectedOf(sample, dtype, inputs)]);
    return values("contiguous")(bench);
  });

  const positions = subject.gradient === false ? [] : gradientPositions(sample, dtype);
  add("writes to no other storage", async (bench) => {
    await betweenGuards(bench.device, async (device) => {
      const place = { ...bench, device };
      await evaluate(place, sample, dtype, makeInputs(sample, dtype, "contiguous", seed), "contiguous");
      if (positions.length > 0) await runFirst(place, sample, dtype, positions, seed);
    });
    return 0;
  });
  if (positions.length > 0) {
    add("has the gradient of the reference", (bench) =>
      checkFirst(bench, sample, dtype, positions, "contiguous", seed, tolerance(bench)),
    );
    if (sample.layouts !== false && sample.inputs.some(({ shape }) => applies("flipped", shape))) {
      add(`has the same gradient from ${LAYOUT_WORDS.flipped}`, (bench) =>
        checkFirst(bench, sample, dtype, positions, "flipped", seed, tolerance(bench)),
      );
    }
    if (sample.second !== false) {
      add("has the second gradient of the reference", (bench) =>
        checkSecond(bench, sample, dtype, positions, seed, tolerance(bench)),
      );
    }
  }
  if (subject.fused) {
    add(
      "agrees with its composition",
      (bench) => againstComposition(bench, sample, dtype, seed, tolerance(bench)),
      ({ backend, name }) => (backend.fused?.[op] ? null : `backend "${name}" has no fused kernel for ${op}`),
    );
  }
  return checks;
}

/** A dtype that the case says nothing about: the op refuses it, or gives something, and harms nothing else. */
function strayCheck({ op }: Case, sample: Sample, dtype: DType): Check {
  return {
    name: `${op} ${sample.name} is refused or writes to no other storage [${dtype}]`,
    op,
    dtype,
    skip: (device) => {
      const inputs = sample.inputs.map((spec) => spec.dtype ?? dtype);
      const missing = inputs.find((other) => device.backend.dtypes[other] === "none");
      return missing ? `backend "${device.name}" has no ${missing}` : null;
    },
    async run(bench) {
      const inputs = makeInputs(sample, dtype, "contiguous", `${op} ${sample.name}`);
      try {
        await betweenGuards(bench.device, (device) =>
          evaluate({ ...bench, device }, sample, dtype, inputs, "contiguous"),
        );
      } catch (error) {
        if (!(error instanceof NeuriteError)) throw error;
      }
      return 0;
    },
  };
}

/** Inputs of the dtype under test, where that is a float. */
function gradientPositions(sample: Sample, dtype: DType): readonly number[] {
  if (sample.gradient === false || !FLOATS.includes(dtype)) return [];
  return sample.gradient ?? sample.inputs.flatMap((spec, i) => (spec.dtype === undefined ? [i] : []));
}

function sampleUnsupported({ storage }: Case, sample: Sample, dtype: DType, device: Device): string | null {
  const others = [
    ...sample.inputs.map((spec) => spec.dtype ?? dtype),
    ...[sample.result ?? dtype].flat(),
    ...(sample.needs ?? []),
  ];
  const missing = others.find((other) => device.backend.dtypes[other] === "none");
  if (missing) return `backend "${device.name}" has no ${missing}`;
  return unsupported(device, dtype, storage);
}

/** The same backend without its fused kernels. */
function plainDevice({ backend }: Device): Device {
  return new Device(delegate(backend, { name: `${backend.name} without fused kernels`, fused: {} }));
}

async function againstComposition(
  bench: Bench,
  sample: Sample,
  dtype: DType,
  seed: string,
  tolerance: number,
): Promise<number> {
  const inputs = makeInputs(sample, dtype, "contiguous", seed);
  const fused = await evaluate(bench, sample, dtype, inputs, "contiguous");
  const composed = await evaluate({ ...bench, device: plainDevice(bench.device) }, sample, dtype, inputs, "contiguous");
  const errors = composed.map(({ shape, dtype: type, data }, i) =>
    compare(`result ${i} of the fused kernel`, fused[i], { shape, dtype: type, data: Array.from(data) }, { tolerance }),
  );
  return Math.max(...errors);
}
