/** The fuzzer knows every op, and finds what is broken on purpose with a small input. */
import { CpuJsBackend, cpuJs } from "@neurite/backend-cpu-js";
import { CASES } from "@neurite/conformance";
import { type Backend, Device, type FusedKernel, setDefaultDevice, type TypedArray, type View } from "@neurite/core";
import * as losses from "@neurite/losses";
import { beforeAll, describe, expect, it } from "vitest";
import { type Finding, fuzz, SUBJECT_NAMES } from "../src/fuzz.js";

const reference = cpuJs();
beforeAll(() => setDefaultDevice(reference));

/** Cases of the conformance suite that are no op, and losses that take no tensors but names. */
const OTHERS = new Set(["backend", "checkFinite", "parameter", "Parameter", "reading", "tensor", "l2Penalty"]);

it("has a kind of call for every op and every loss", () => {
  const ops = CASES.map(({ op }) => op).filter((op) => !OTHERS.has(op) && /^[a-z]\w+$/.test(op));
  const wanted = [...ops, ...Object.keys(losses).filter((name) => /^[a-z]/.test(name) && !OTHERS.has(name))];
  expect(wanted.filter((name) => !SUBJECT_NAMES.includes(name))).toEqual([]);
});

const elementsOf = (view: View): TypedArray =>
  (view.id as TypedArray).subarray(view.offset, view.offset + view.shape.reduce((a, b) => a * b, 1));

/** The reference with something broken. */
function broken(change: (sound: CpuJsBackend) => Partial<Backend>): Device {
  const sound = new CpuJsBackend();
  const { name, spec, dtypes, limits, kernels } = sound;
  return new Device({
    ...{ name, spec, dtypes, limits, kernels },
    alloc: (dtype, length) => sound.alloc(dtype, length),
    free: (id) => sound.free(id),
    write: (id, data) => sound.write(id, data),
    read: (id, offset, length) => sound.read(id, offset, length),
    flush: () => sound.flush(),
    ...change(sound),
  });
}

async function findingsIn(device: Device, only: readonly string[], seed = 1): Promise<readonly Finding[]> {
  return (await fuzz({ devices: { broken: device }, reference }, { seconds: 5, seed, only })).findings;
}

describe("a fault is found, with a small input that shows it", () => {
  it("in one element of a result", async () => {
    const concat: FusedKernel = (outs, inputs, attrs) => {
      const status = sound.kernels.concat(outs, inputs, attrs as never);
      const out = elementsOf(outs[0]!);
      if (out.length > 5) out[5]! += 1;
      return status;
    };
    const sound = new CpuJsBackend();
    const device = broken(() => ({ kernels: { ...sound.kernels, concat } }));
    const [finding, ...others] = await findingsIn(device, ["concat"]);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ subject: "concat", backend: "broken" });
    expect(finding!.problem).toMatch(/^(result|gradient) 0 is .* at element 5, not /);
    expect(finding!.input).toMatch(/^concat with options \{"axis":-?\d\}\n {2}input 0: \w+ \[/);
  });

  it("in a gradient alone", async () => {
    const sound = new CpuJsBackend();
    const scatterAdd: FusedKernel = (outs, inputs, attrs) => {
      const status = sound.kernels.scatterAdd(outs, inputs, attrs as never);
      elementsOf(outs[0]!)[0] = 99;
      return status;
    };
    const [finding] = await findingsIn(
      broken(() => ({ kernels: { ...sound.kernels, scatterAdd } })),
      ["gather"],
    );
    expect(finding!.problem).toMatch(/^gradient 0 is 99 at element 0/);
  });

  it("in a write beside the result", async () => {
    const ids: TypedArray[] = [];
    const device = broken((sound) => ({
      alloc: (dtype, length) => {
        const id = sound.alloc(dtype, length);
        ids.push(id as TypedArray);
        return id;
      },
      kernels: {
        ...sound.kernels,
        fill: (outs, inputs, attrs) => {
          const status = sound.kernels.fill(outs, inputs, attrs);
          const mine = ids.lastIndexOf(outs[0]!.id as TypedArray);
          ids[mine + 1]?.fill(2);
          return status;
        },
      },
    }));
    const [finding] = await findingsIn(device, ["zeros"]);
    expect(finding!.problem).toMatch(/of a \w+ storage that no kernel was given is now 2/);
  });

  it("in an error that is none of ours", async () => {
    const sound = new CpuJsBackend();
    const pad = () => {
      throw new RangeError("offset is out of bounds");
    };
    const [finding] = await findingsIn(
      broken(() => ({ kernels: { ...sound.kernels, pad } })),
      ["pad"],
    );
    expect(finding!.problem).toBe("throws RangeError: offset is out of bounds");
  });

  it("in a program whose optimizer writes over a value that a read has begun to take", async () => {
    const sound = new CpuJsBackend();
    const device = broken(() => ({
      alloc: (dtype, length) => sound.alloc(dtype, length),
      free: (id) => sound.free(id),
      write: (id, data) => sound.write(id, data),
      kernels: sound.kernels,
      // late: what is read is what the storage holds some time after it was asked for
      read: async (id, offset, length) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return sound.read(id, offset, length);
      },
      fused: { optimizerUpdate: overwriting(sound) },
    }));
    const [finding] = await findingsIn(device, ["program"]);
    expect(finding!.subject).toBe("program");
    expect(finding!.problem).toMatch(/^read \d+, begun at command \d+, has /);
    expect(finding!.input).toMatch(/^a program on \[\d+, \d+\] matrices\n {2}/);
  });
});

/** w ← w − ηg in the storage of w, whoever else holds it: it does not declare that it writes over its input. */
function overwriting(sound: CpuJsBackend): FusedKernel {
  return (outs, inputs, attrs) => {
    if (inputs.length > 2) return false;
    const [w, g] = [elementsOf(inputs[0]!), elementsOf(inputs[1]!)];
    const [rate] = (attrs as { scalars: readonly number[] }).scalars;
    for (let i = 0; i < w.length; i++) w[i]! -= rate! * g[i]!;
    return sound.kernels.copy(outs, [inputs[0]!], {});
  };
}

it("draws the same inputs from the same seed", async () => {
  const sound = new CpuJsBackend();
  const kernels = { ...sound.kernels, concat: () => undefined };
  const find = () =>
    findingsIn(
      broken(() => ({ kernels })),
      ["concat"],
      7,
    );
  const [first, again] = [await find(), await find()];
  expect(first).toHaveLength(1);
  expect(again).toEqual(first);
});
