/** Draws calls and programs until time is up, and finds the smallest input that shows a fault. */

import { betweenGuards } from "@neurite/conformance";
import { type Device, isNeuriteError } from "@neurite/core";
import * as fc from "fast-check";
import { type Call, describeCall, outcomeOn } from "./call.js";
import { CALLS } from "./calls/index.js";
import { difference } from "./compare.js";
import { describeProgram, programDifference, programs } from "./program.js";

export interface Bench {
  /** Those under test, by name. */
  readonly devices: Readonly<Record<string, Device>>;
  /** In JavaScript, with float64. */
  readonly reference: Device;
}

/** A fault, with the smallest input that shows it. */
export interface Finding {
  /** The op, or "program". */
  readonly subject: string;
  readonly backend: string;
  readonly problem: string;
  readonly input: string;
}

export interface FuzzRequest {
  readonly seconds: number;
  readonly seed: number;
  /** Only these ops, or programs by the name "program"; empty: all. */
  readonly only: readonly string[];
  /** Told now and then. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly calls: number;
  readonly programs: number;
  readonly findings: readonly Finding[];
}

/** What a check found, and in what. */
class Fault extends Error {
  constructor(
    readonly problem: string,
    readonly input: string,
  ) {
    super(problem);
  }
}

/** What `check` says of a device between guards, or throws, in words; null when all is well. */
async function problemOn(device: Device, check: (device: Device) => Promise<string | null>): Promise<string | null> {
  try {
    let problem: string | null = null;
    await betweenGuards(device, async (guarded) => {
      problem = await check(guarded);
    });
    return problem;
  } catch (error) {
    return isNeuriteError(error) ? `${error.name}: ${error.message}` : (error as Error).message;
  }
}

/** What is fuzzed: the calls of an op, or programs. */
type Subject = (reference: Device, device: Device) => fc.IAsyncProperty<unknown>;

function subject<T>(
  arbitrary: fc.Arbitrary<T>,
  describe: (value: T) => string,
  check: (value: T, reference: Device, device: Device) => Promise<string | null>,
): Subject {
  return (reference, device) =>
    fc.asyncProperty(arbitrary, async (value) => {
      const problem = await problemOn(device, (guarded) => check(value, reference, guarded));
      if (problem !== null) throw new Fault(problem, describe(value));
    }) as fc.IAsyncProperty<unknown>;
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  ...Object.fromEntries(
    Object.entries(CALLS).map(([op, calls]) => [
      op,
      subject(calls, describeCall, async (call: Call, reference, device) =>
        difference(call, await outcomeOn(device, call, false), await outcomeOn(reference, call, true)),
      ),
    ]),
  ),
  program: subject(programs, describeProgram, (program, reference, device) =>
    programDifference(device, reference, program),
  ),
};

export const SUBJECT_NAMES: readonly string[] = Object.keys(SUBJECTS);

/** Runs of one subject before the next has its turn. */
const TURN = { call: 40, program: 10 };
/** Seconds for a turn, with its search for a smaller input. */
const LONGEST_TURN = 20;

/**
 * Calls and programs in turns, until the time is up. What showed a fault on a backend has no further turn there. The same
 * seed draws the same inputs in the same order.
 */
export async function fuzz(
  { devices, reference }: Bench,
  { seconds, seed, only, onProgress }: FuzzRequest,
): Promise<Progress> {
  const end = performance.now() + 1000 * seconds;
  const findings: Finding[] = [];
  const counts = { calls: 0, programs: 0 };
  let turns = SUBJECT_NAMES.filter((name) => only.length === 0 || only.includes(name)).flatMap((name) =>
    Object.keys(devices).map((backend) => ({ name, backend })),
  );
  for (let round = 0; turns.length > 0; round++) {
    for (const [i, turn] of turns.entries()) {
      if (performance.now() >= end) return { ...counts, findings };
      const { name, backend } = turn;
      const unit = name === "program" ? "program" : "call";
      const details = await fc.check(SUBJECTS[name]!(reference, devices[backend]!), {
        seed: (seed + 1000 * round + i) | 0,
        numRuns: TURN[unit],
        interruptAfterTimeLimit: 1000 * LONGEST_TURN,
        markInterruptAsFailure: false,
      });
      counts[`${unit}s`] += details.numRuns;
      const fault = details.errorInstance;
      if (fault instanceof Fault) findings.push({ subject: name, backend, problem: fault.problem, input: fault.input });
      else if (details.failed) throw fault;
      onProgress?.({ ...counts, findings });
    }
    const isFaulty = (turn: (typeof turns)[number]) =>
      findings.some(({ subject, backend }) => subject === turn.name && backend === turn.backend);
    turns = turns.filter((turn) => !isFaulty(turn));
  }
  return { ...counts, findings };
}
