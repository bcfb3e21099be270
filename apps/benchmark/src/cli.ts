/** The benchmark's command line; as `child`, a process that measures for it. */
const [, , role, setting] = process.argv;
if (role === "child") await (await import("./child.js")).serve(JSON.parse(setting!));
else await (await import("./bench.js")).main(process.argv);

export {};
