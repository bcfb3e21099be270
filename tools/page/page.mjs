// Conformance in a page: headless Chromium loads the backends' bundle, once cross-origin isolated and once not.
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { plainFiles } from "../bundle.mjs";
import { root, spawnTool } from "../spawn.mjs";
import { workspaceSources } from "../workspace-sources.mjs";

const CANDIDATES = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

/** Path of a Chromium; on a continuous integration machine one is installed if need be. Null where there is none. */
export async function findBrowser() {
  const find = () => CANDIDATES.find((path) => path && existsSync(path)) ?? null;
  const found = find();
  if (found || !process.env.CI || process.platform !== "linux" || process.getuid() !== 0) return found;
  const options = { capture: () => {}, env: { DEBIAN_FRONTEND: "noninteractive" } };
  await spawnTool("apt-get", ["update", "--quiet"], options);
  await spawnTool("apt-get", ["install", "--yes", "--quiet", "--no-install-recommends", "chromium"], options);
  return find();
}

/** The page's files by path. */
async function bundlePage() {
  const esbuild = await import("esbuild");
  const outdir = join(root, "tools", "page", ".run");
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [join(root, "tools", "page", "page.ts")],
    outdir,
    bundle: true,
    write: false,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    logLevel: "warning",
    external: ["node:*"],
    plugins: [workspaceSources(root, { external: false })],
  });
  const files = [...outputFiles, ...plainFiles(root, outdir, metafile)];
  return new Map(files.map(({ path, contents }) => [path.slice(outdir.length), contents]));
}

/** Serves the page; with the headers of cross-origin isolation if asked for. */
async function serve(files, isolated) {
  const server = createServer(({ url }, response) => {
    const script = files.get(url);
    const found = url === "/" || script !== undefined;
    response.writeHead(found ? 200 : 404, {
      "Content-Type": script ? "text/javascript" : "text/html",
      ...(isolated ? ISOLATED : {}),
    });
    response.end(
      script ?? (found ? '<!doctype html><title>neurite</title><script type="module" src="/page.js"></script>' : ""),
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/**
 * Calls `use` with a function that runs one of the page's functions in a page.
 * @param {string} browser path of Chromium
 */
export async function withPage(browser, isolated, use) {
  const server = await serve(await bundlePage(), isolated);
  const app = await chromium.launch({ executablePath: browser, args: ["--no-sandbox", "--disable-quic"] });
  try {
    const page = await app.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(error));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction("globalThis.conformance !== undefined", null, { timeout: 20_000 });
    const result = await use((name, argument) => page.evaluate(([n, a]) => globalThis[n](a), [name, argument]));
    if (problems.length > 0) throw problems[0];
    return result;
  } finally {
    await app.close();
    server.close();
  }
}
