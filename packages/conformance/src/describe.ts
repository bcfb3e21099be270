/** The same checks as tests of whatever framework the caller uses. */
import { type Device, DTYPES } from "@neurite/core";
import { CASES } from "./cases/index.js";
import { checksOf } from "./checks.js";
import { benchFor, expectationFor, listChecks, type Options, runCheck, unusedExpectations } from "./runner.js";

/** A test's context, as far as a framework has one: `skip` marks the test as skipped. */
interface TestContext {
  skip?(reason?: string): unknown;
}

/** The functions of a test framework that the suite needs: those of Vitest, Jest, Mocha and node:test will do. */
export interface TestFramework {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: (context: TestContext) => Promise<void>): unknown;
  /** Closes the device in the end. */
  afterAll?(body: () => Promise<void>): unknown;
}

export interface DescribeOptions extends Options, Partial<TestFramework> {}

function frameworkOf({ describe, it, afterAll }: Partial<TestFramework>): TestFramework {
  const global = globalThis as Partial<TestFramework>;
  const found = { describe: describe ?? global.describe, it: it ?? global.it, afterAll: afterAll ?? global.afterAll };
  if (!found.describe || !found.it) {
    throw new Error(
      "describeBackend: no test framework found. Pass its functions: describeBackend(name, create, { describe, it }).",
    );
  }
  return found as TestFramework;
}

/**
 * Registers one test per check, grouped by op.
 *
 * @param create makes the device, when the first test runs
 * @example
 * import { describe, it } from "vitest";
 * describeBackend("my-backend", () => myBackend(), { describe, it });
 */
export function describeBackend(
  name: string,
  create: () => Device | Promise<Device>,
  options: DescribeOptions = {},
): void {
  const { describe, it, afterAll } = frameworkOf(options);
  let device: Promise<Device> | null = null;
  const deviceOnce = () => {
    device ??= Promise.resolve(create());
    return device;
  };
  describe(`conformance of ${name}`, () => {
    for (const subject of options.cases ?? CASES) {
      describe(subject.op, () => {
        for (const check of checksOf(subject, options.dtypes ?? DTYPES)) {
          const expected = expectationFor(check, options) ? " (expected to fail)" : "";
          it(`${check.name}${expected}`, async (context) => {
            const result = await runCheck(check, benchFor(await deviceOnce(), options), options);
            if (result.status === "skipped") context?.skip?.(result.reason);
            if (result.status === "failed") throw new Error(result.reason);
          });
        }
      });
    }
    for (const { checks, reason } of unusedExpectations(listChecks(options), options)) {
      it(`expected failure ${checks}`, async () => {
        throw new Error(`names no check (${reason})`);
      });
    }
    afterAll?.(async () => {
      await (await device)?.close();
    });
  });
}
