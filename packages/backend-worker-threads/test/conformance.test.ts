import { workerThreads } from "@neurite/backend-worker-threads";
import { describeBackend } from "@neurite/conformance";
import { afterAll, describe, it } from "vitest";

describeBackend("worker-threads", () => workerThreads({ threads: 2 }), { describe, it, afterAll });
