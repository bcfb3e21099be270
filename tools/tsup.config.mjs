// How every package is built: JavaScript by esbuild, declarations by TypeScript. Runs with a package as working folder.
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { defineConfig } from "tsup";
import ts from "typescript";

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
const entry = Object.values(exports).map((e) => e["@neurite/source"]);

export default defineConfig({
  entry,
  format: "esm",
  target: "es2022",
  platform: "neutral",
  external: [/^node:/],
  splitting: true,
  sourcemap: true,
  clean: true,
  silent: true,
  dts: false,
  async onSuccess() {
    copyPlainFiles();
    await emitDeclarations();
  },
});

/** Plain JavaScript is published as it stands: a worker's entry, which is loaded by its address. */
function copyPlainFiles() {
  for (const file of readdirSync("src")) if (file.endsWith(".js")) copyFileSync(`src/${file}`, `dist/${file}`);
}

/**
 * Writes one declaration file per source file. A bundled declaration, which tsup would make, breaks the relative
 * `declare module` by which core's fluent methods are typed.
 */
async function emitDeclarations() {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (d) => report([d]) };
  const { options } = ts.getParsedCommandLineOfConfigFile("tsconfig.json", {}, host);
  // Other packages are seen as they are published: their sources would be emitted here too.
  delete options.customConditions;
  const program = ts.createProgram(entry, {
    ...options,
    rootDir: "src",
    outDir: "dist",
    noEmit: false,
    declaration: true,
    declarationMap: true,
    emitDeclarationOnly: true,
  });
  report([...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics]);
}

function report(diagnostics) {
  if (diagnostics.length === 0) return;
  const host = {
    getCanonicalFileName: (f) => f,
    getCurrentDirectory: ts.sys.getCurrentDirectory,
    getNewLine: () => "\n",
  };
  console.error(ts.formatDiagnostics(diagnostics, host));
  process.exit(1);
}
