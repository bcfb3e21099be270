/** Charts as inline SVG. */
import { scaleLinear, scaleLog } from "d3-scale";
import { line } from "d3-shape";
import { type Growth, LAWS, type Prefix } from "./growth.js";
import type { Limits } from "./neurite/limits.js";
import { type Row, ratio } from "./report.js";
import { shortEngine } from "./table.js";

const WIDTH = 940;
const LEFT = 190;
const RIGHT = 24;

export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

const round = (value: number) => Math.round(value * 10) / 10;

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeText(content)}</text>`;
}

function svg(width: number, height: number, label: string, body: string): string {
  const size = `viewBox="0 0 ${width} ${height}" style="max-width:${width}px"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escapeText(label)}" ${size}>${body}</svg>`;
}

/** Colours that stay apart for colour-blind readers (Okabe and Ito), one a library. */
const COLORS: Readonly<Record<string, string>> = {
  neurite: "#000000",
  tfjs: "#e69f00",
  "jax-js": "#009e73",
  "brain.js": "#cc79a7",
  convnetjs: "#999999",
  onnxruntime: "#0072b2",
  torch: "#d55e00",
  numpy: "#56b4e9",
};

/** Mark of an engine: its library's colour, hollow for a library's second backend, a diamond for turbo. */
function mark(x: number, y: number, { library, backend, variant }: Row, title: string): string {
  const color = COLORS[library]!;
  const second = backend === "cpu-js" || backend === "web" || (library === "tfjs" && backend === "cpu");
  const style = `fill="${second ? "#fff" : color}" stroke="${color}" stroke-width="2"`;
  const tip = `<title>${escapeText(title)}</title>`;
  const [cx, cy] = [round(x), round(y)];
  if (variant === "turbo") return `<path d="M${cx - 7},${cy}l7,-7l7,7l-7,7z" ${style}>${tip}</path>`;
  return `<circle cx="${cx}" cy="${cy}" r="5.5" ${style}>${tip}</circle>`;
}

const factor = (value: number) => (value >= 100 ? `${Math.round(value)}` : value.toPrecision(2).replace(/\.0$/, ""));

/** The row of neurite that others are compared with: wasm without turbo, or as many threads, on the newest Node. */
export function ownRow(rows: readonly Row[], threads: number): Row | undefined {
  const major = ({ node }: Row) => Number.parseInt(node?.slice(1) ?? "0", 10);
  return rows
    .filter(
      (row) =>
        row.library === "neurite" &&
        row.variant !== "turbo" &&
        row.threads === threads &&
        row.backend === (threads > 1 ? "worker-threads" : "wasm") &&
        row.medianMs !== null,
    )
    .sort((a, b) => major(b) - major(a) || a.variant.localeCompare(b.variant))[0];
}

/** Of the legend: the longest name fits a third of its 720 pixels. */
const COLUMNS = 3;

/** Times of other engines over neurite's, one line a workload; to the right of 1 neurite is faster. Empty without peers. */
export function ratioChart(rows: readonly Row[], threads: number): string {
  const lines = [...new Set(rows.map(({ workload }) => workload))].flatMap((workload) => {
    const all = rows.filter((row) => row.workload === workload && row.medianMs !== null);
    const own = ownRow(all, threads);
    const others = all.filter((row) => row !== own && row.threads === threads);
    return own && others.some(({ library }) => library !== "neurite") ? [{ workload, own, others }] : [];
  });
  if (lines.length === 0) return "";
  const values = lines.flatMap(({ own, others }) => others.map((row) => ratio(row, own)!));
  const legend = [...new Map(lines.flatMap(({ others }) => others.map((row) => [labelOf(row), row] as const)))];
  const top = 34 + 20 * Math.ceil(legend.length / COLUMNS);
  const height = top + lines.length * 26 + 36;
  const x = scaleLog([Math.min(0.5, ...values) / 1.2, Math.max(2, ...values) * 1.3], [LEFT, WIDTH - RIGHT]).nice();
  const bottom = height - 30;
  const ticks = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000].filter(
    (tick) => tick >= x.domain()[0]! && tick <= x.domain()[1]!,
  );
  const grid = ticks.map(
    (tick) =>
      `<line x1="${round(x(tick))}" x2="${round(x(tick))}" y1="${top - 8}" y2="${bottom}" stroke="${tick === 1 ? "#222" : "#ddd"}"/>` +
      text(x(tick), bottom + 16, `${tick}×`, 'text-anchor="middle"'),
  );
  const marks = lines.map(({ workload, own, others }, i) => {
    const y = top + 26 * i + 8;
    const each = others.map((row) => {
      const value = ratio(row, own)!;
      const [low, high] = [row.minMs! / own.medianMs!, row.maxMs! / own.medianMs!].map((end) =>
        Math.min(Math.max(x(end), LEFT), WIDTH - RIGHT),
      );
      const title = `${workload}: ${shortEngine(row)} takes ${factor(value)} times as long (${row.medianMs!.toPrecision(3)} ms against ${own.medianMs!.toPrecision(3)} ms)`;
      return (
        `<line x1="${round(low!)}" x2="${round(high!)}" y1="${y}" y2="${y}" stroke="${COLORS[row.library]}" opacity="0.5"/>` +
        mark(x(value), y, row, title)
      );
    });
    return text(LEFT - 12, y + 4, workload, 'text-anchor="end"') + each.join("");
  });
  const key = legend.map(([name, row], i) => {
    const at = LEFT + ((i % COLUMNS) * 720) / COLUMNS;
    const y = 16 + 20 * Math.floor(i / COLUMNS);
    return mark(at, y - 4, row, name) + text(at + 12, y, name);
  });
  const caption =
    text(x(1) + 6, top - 12, "neurite is faster →") +
    text(x(1) - 6, top - 12, "← neurite is slower", 'text-anchor="end"');
  const label = `Times of other engines over neurite's on ${threads} thread${threads > 1 ? "s" : ""}`;
  return svg(WIDTH, height, label, [...key, caption, ...grid, ...marks].join(""));
}

/** A row's engine without its threads, which the chart has one number of. */
const labelOf = (row: Row): string =>
  row.library === "neurite" ? `neurite ${shortEngine({ ...row, threads: 1 })}` : shortEngine({ ...row, threads: 1 });

const PALETTE = ["#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00"];

/** Time against work on logarithmic axes, with the book's law, slope 1, dashed. Empty without measurements. */
export function growthChart(growth: readonly Growth[], prefix: Prefix): string {
  const series = growth.filter((one) => one.prefix === prefix);
  if (series.length === 0) return "";
  const [width, height, left, bottom] = [460, 330, 62, 286];
  const points = series.flatMap((one) => one.points);
  const works = points.map(({ work }) => work);
  const times = points.map(({ time }) => time);
  const x = scaleLog([Math.min(...works) / 1.4, Math.max(...works) * 1.4], [left, width - 16]);
  const y = scaleLog([Math.min(...times) / 2, Math.max(...times) * 2], [bottom, 34 + 18 * series.length]);
  const powers = ([low, high]: readonly number[]) =>
    Array.from({ length: 30 }, (_, i) => 10 ** (i - 10)).filter((power) => power >= low! && power <= high!);
  const grid = [
    ...powers(x.domain()).map(
      (tick) =>
        `<line x1="${round(x(tick))}" x2="${round(x(tick))}" y1="${y.range()[1]}" y2="${bottom}" stroke="#ddd"/>` +
        text(x(tick), bottom + 16, tick.toExponential(0).replace("e+", "e"), 'text-anchor="middle"'),
    ),
    ...powers(y.domain()).map(
      (tick) =>
        `<line x1="${left}" x2="${width - 16}" y1="${round(y(tick))}" y2="${round(y(tick))}" stroke="#ddd"/>` +
        text(left - 6, y(tick) + 4, `${tick} ms`, 'text-anchor="end"'),
    ),
  ];
  const drawn = series.map(({ points, engine, exponent }, i) => {
    const color = PALETTE[i % PALETTE.length]!;
    // the law through the largest size, where fixed costs count least
    const last = points.at(-1)!;
    const ideal = [points[0]!.work, last.work].map((work) => [x(work), y((last.time * work) / last.work)] as const);
    const path = line<(typeof points)[number]>(
      ({ work }) => x(work),
      ({ time }) => y(time),
    )(points);
    const dots = points.map(
      ({ work, time }) => `<circle cx="${round(x(work))}" cy="${round(y(time))}" r="4" fill="${color}"/>`,
    );
    const name = `${engine}: time ∝ (${LAWS[prefix].law})^${exponent.toFixed(2)}`;
    return (
      `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>` +
      `<line x1="${round(ideal[0]![0])}" y1="${round(Math.min(ideal[0]![1], bottom))}" x2="${round(ideal[1]![0])}" y2="${round(ideal[1]![1])}" stroke="${color}" stroke-dasharray="5 4" opacity="0.6"/>` +
      dots.join("") +
      text(left + 12, 40 + 18 * i, `● ${name}`, `fill="${color}"`)
    );
  });
  const title = text(left, 18, LAWS[prefix].title, 'font-weight="bold"');
  const caption = text((left + width) / 2, height - 8, "multiplications", 'text-anchor="middle"');
  return svg(width, height, LAWS[prefix].title, [title, ...grid, ...drawn, caption].join(""));
}

/** How many times faster several threads are than one. Empty without measurements. */
export function threadsChart(rows: readonly Row[]): string {
  const family = rows.filter(({ workload, medianMs }) => workload.startsWith("threads_") && medianMs !== null);
  const bars = family.flatMap((row) => {
    const one = family.find(
      (other) =>
        other.threads === 1 &&
        other.workload === row.workload &&
        other.variant === row.variant &&
        other.node === row.node,
    );
    return row.threads > 1 && one ? [{ row, speedUp: ratio(one, row)! }] : [];
  });
  if (bars.length === 0) return "";
  const most = Math.max(...bars.map(({ row }) => row.threads));
  const x = scaleLinear([0, Math.max(most, ...bars.map(({ speedUp }) => speedUp))], [LEFT + 60, WIDTH - RIGHT]);
  const height = bars.length * 24 + 44;
  const drawn = bars.map(({ row, speedUp }, i) => {
    const y = 8 + 24 * i;
    const name = `${row.workload.replace("threads_", "")}, ${row.threads} threads${row.variant ? `, ${row.variant}` : ""}`;
    return (
      text(x(0) - 10, y + 13, name, 'text-anchor="end"') +
      `<rect x="${x(0)}" y="${y}" width="${round(x(speedUp) - x(0))}" height="17" fill="#0072b2"/>` +
      text(x(0) + 8, y + 13, `${speedUp.toFixed(2)}×`, 'fill="#fff" font-weight="bold"')
    );
  });
  const grid = x
    .ticks(most)
    .map(
      (tick) =>
        `<line x1="${round(x(tick))}" x2="${round(x(tick))}" y1="4" y2="${height - 28}" stroke="#ddd"/>` +
        text(x(tick), height - 12, `${tick}×`, 'text-anchor="middle"'),
    );
  return svg(WIDTH, height, "Speed of several threads over one", [...grid, ...drawn].join(""));
}

/** A row's share of what the machine can do, or null where that means nothing. */
export function shareOfLimit(
  { gflops, gbPerSecond, variant, library, threads }: Row,
  limits: Limits | null,
): number | null {
  if (!limits || threads > 1) return null;
  if (gbPerSecond !== null) return gbPerSecond / limits.copyGBs;
  if (gflops === null || library !== "neurite") return null;
  const peak = variant === "relaxed" || variant === "turbo" ? limits.fmaPeakGflops : limits.simdPeakGflops;
  return peak === null ? null : gflops / peak;
}
