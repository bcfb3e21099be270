import { defineConfig } from "vitest/config";

// Tests import the sources of the workspace packages, so they need no build.
const conditions = ["@neurite/source", "module", "node", "import", "default"];

export default defineConfig({
  resolve: { conditions, mainFields: ["module", "main"] },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "tools/test/**/*.test.ts"],
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // The ESM build of tfjs (the reference in some tests) has imports that Node cannot resolve by itself.
    server: { deps: { inline: [/@tensorflow\//] } },
  },
});
