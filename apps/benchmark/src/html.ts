/** Results as a page that needs nothing else: charts, tables with spread, and what did not run. */
import { escapeText, growthChart, ratioChart, shareOfLimit, threadsChart } from "./charts.js";
import { growthOf, LAWS, type Prefix } from "./growth.js";
import type { Report, Row } from "./report.js";
import { groupSkipped, shortEngine, speedOf } from "./table.js";
import { SUITES } from "./workloads.js";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #222; margin: 2rem auto; max-width: 980px; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; } h3 { margin-bottom: .3rem; }
p.note { color: #555; margin-top: .2rem; } svg { width: 100%; height: auto; font-size: 12px; fill: #222; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
td, th { padding: .15rem .6rem; text-align: right; white-space: nowrap; } th { border-bottom: 1px solid #999; }
td:first-child, th:first-child { text-align: left; } tr.head td { font-weight: 600; padding-top: .7rem; }
tr.own td { background: #f2f6fa; } li { margin: .2rem 0; } .scroll { overflow-x: auto; }`;

const number = (value: number) => (value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3));
const percent = (share: number | null) => (share === null ? "" : `${Math.round(100 * share)} %`);

function tableOf(rows: readonly Row[], { limits }: Report): string {
  const body = [...new Set(rows.map(({ workload }) => workload))].map((workload) => {
    const lines = rows
      .filter((row) => row.workload === workload)
      .map((row) => {
        const cells = [
          `${row.library === "neurite" ? "neurite " : ""}${shortEngine(row)}${row.note ? " *" : ""}`,
          row.medianMs === null ? "" : number(row.medianMs),
          row.medianMs === null ? "" : `${number(row.minMs!)} – ${number(row.maxMs!)}`,
          speedOf(row),
          percent(shareOfLimit(row, limits)),
          row.peakRssMiB === null ? "" : Math.round(row.peakRssMiB).toString(),
        ];
        const own = row.library === "neurite" ? ' class="own"' : "";
        return `<tr${own}>${cells.map((cell) => `<td>${escapeText(cell)}</td>`).join("")}</tr>`;
      });
    return `<tr class="head"><td colspan="6">${escapeText(workload)}</td></tr>${lines.join("")}`;
  });
  const head = ["", "median, ms", "min – max", "speed", "of the limit", "peak MiB"];
  return `<div class="scroll"><table><tr>${head.map((cell) => `<th>${cell}</th>`).join("")}</tr>${body.join("")}</table></div>`;
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${escapeText(item)}</li>`).join("")}</ul>`;
}

function section(title: string, note: string, body: string): string {
  return body === "" ? "" : `<h2>${title}</h2><p class="note">${note}</p>${body}`;
}

export function toHTML(report: Report): string {
  const { machine, commit, date, limits, rows, skipped, omitted } = report;
  const growth = growthOf(rows);
  const counts = [...new Set(rows.map(({ threads }) => threads))].sort((a, b) => a - b);
  const ratios = counts.map((threads) => {
    const chart = ratioChart(rows, threads);
    return chart && `<h3>${threads === 1 ? "One thread" : `${threads} threads`}</h3>${chart}`;
  });
  const limit = limits
    ? `Limits: ${limits.simdPeakGflops.toFixed(1)} GFLOP/s for mul + add, ${limits.fmaPeakGflops?.toFixed(1) ?? "no"} GFLOP/s for fused multiply-add on 128 bits, ${limits.copyGBs.toFixed(1)} GB/s for a copy.`
    : "";
  const about = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB. Commit ${commit?.slice(0, 12) ?? "unknown"}, ${date.slice(0, 16).replace("T", " ")} UTC. ${limit}`;
  const notes = [...new Set(rows.flatMap(({ library, note }) => (note ? [`* ${library}: ${note}`] : [])))];
  const parts = [
    section(
      "Against the others",
      "Time of another engine over the time of neurite on WebAssembly without turbo (black marks: neurite's other engines). Lines reach from the fastest to the slowest measurement. Below 50 ms, take gaps under 2× as ties.",
      ratios.join(""),
    ),
    section(
      "Cost and work",
      "Time against the multiplications that the book counts; dashed: time proportional to them. Small sizes lie above the line for the fixed cost of a call.",
      growth.length > 0
        ? `<div class="row">${(Object.keys(LAWS) as Prefix[]).map((prefix) => growthChart(growth, prefix)).join("")}</div>`
        : "",
    ),
    section("Threads", "How many times faster worker-threads is than with one thread.", threadsChart(rows)),
    ...SUITES.map((suite) => {
      const own = rows.filter((row) => row.suite === suite);
      return own.length === 0 ? "" : `<h2>${suite}</h2>${tableOf(own, report)}`;
    }),
    notes.length > 0 ? `<p class="note">${notes.map(escapeText).join("<br>")}</p>` : "",
    skipped.length > 0
      ? `<h2>Did not run</h2>${list(
          groupSkipped(skipped).map(
            ({ where, workloads, reason }) => `${where}${workloads ? ` (${workloads})` : ""}: ${reason}`,
          ),
        )}`
      : "",
    omitted.length > 0 ? `<h2>Left out, as no flag asked for it</h2>${list(omitted)}` : "",
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>neurite: benchmark</title>
<style>${STYLE}</style></head>
<body><h1>neurite: benchmark</h1><p class="note">${escapeText(about)}</p>${parts.join("\n")}</body></html>
`;
}
