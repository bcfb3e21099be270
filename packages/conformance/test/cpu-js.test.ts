import { cpuJs } from "@neurite/backend-cpu-js";
import { describeBackend } from "@neurite/conformance";
import { afterAll, describe, it } from "vitest";

describeBackend("cpu-js", cpuJs, { describe, it, afterAll });
