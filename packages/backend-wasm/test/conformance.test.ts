import { wasm } from "@neurite/backend-wasm";
import { describeBackend } from "@neurite/conformance";
import { afterAll, describe, it } from "vitest";

describeBackend("wasm", wasm, { describe, it, afterAll });
