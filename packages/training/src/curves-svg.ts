/** Learning curves as a picture: the objective above, both performances below, over the steps. */
import { extent } from "d3-array";
import { type ScaleLinear, scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { type CurvePoint, expectCurves, type LearningCurves } from "./curves.js";

const WIDTH = 640;
const PANEL = 200;
const MARGIN = { left: 64, right: 24, top: 32, gap: 44, bottom: 44 };

interface Series {
  readonly name: string;
  readonly color: string;
  readonly value: (point: CurvePoint) => number | null;
}

const OBJECTIVE: Series = { name: "objective", color: "#1f77b4", value: (point) => point.objective };
const PERFORMANCES: readonly Series[] = [
  { name: "training data", color: "#2ca02c", value: (point) => point.train },
  { name: "development data", color: "#d62728", value: (point) => point.dev },
];

function isDrawn(value: number | null): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escapeText(content)}</text>`;
}

function axes(x: ScaleLinear<number, number>, y: ScaleLinear<number, number>, top: number): string {
  const right = WIDTH - MARGIN.right;
  const horizontal = y.ticks(5).map((tick) => {
    const at = y(tick);
    const label = text(MARGIN.left - 8, at + 4, y.tickFormat(5)(tick), 'text-anchor="end"');
    return `<line x1="${MARGIN.left}" x2="${right}" y1="${at}" y2="${at}" stroke="#e5e5e5"/>${label}`;
  });
  const bottom = top + PANEL;
  const vertical = x.ticks(6).map((tick) => {
    const label = text(x(tick), bottom + 16, x.tickFormat(6)(tick), 'text-anchor="middle"');
    return `<line x1="${x(tick)}" x2="${x(tick)}" y1="${bottom}" y2="${bottom + 4}" stroke="#444"/>${label}`;
  });
  const frame = `<path d="M${MARGIN.left},${top}V${bottom}H${right}" fill="none" stroke="#444"/>`;
  return [...horizontal, ...vertical, frame].join("");
}

function panel(
  title: string,
  points: readonly CurvePoint[],
  series: readonly Series[],
  x: ScaleLinear<number, number>,
  top: number,
): string {
  const values = points.flatMap((point) => series.map((one) => one.value(point))).filter(isDrawn);
  const [low = 0, high = 1] = extent(values);
  const y = scaleLinear([Math.min(0, low), high > low || high > 0 ? high : low + 1], [top + PANEL, top]).nice();
  const lines = series.map((one) => {
    const measured = points.filter((point) => isDrawn(one.value(point)));
    const path = line<CurvePoint>(
      (point) => x(point.step),
      (point) => y(one.value(point)!),
    )(measured);
    const dots = measured.map(
      (point) => `<circle cx="${x(point.step)}" cy="${y(one.value(point)!)}" r="2.5" fill="${one.color}"/>`,
    );
    return `<path d="${path ?? ""}" fill="none" stroke="${one.color}" stroke-width="2"/>${dots.join("")}`;
  });
  const legend = series.map((one, i) => {
    const right = WIDTH - MARGIN.right - (series.length - 1 - i) * 150;
    return text(right, top - 10, `● ${one.name}`, `text-anchor="end" fill="${one.color}"`);
  });
  return text(MARGIN.left, top - 10, title, 'font-weight="bold"') + axes(x, y, top) + lines.join("") + legend.join("");
}

/** The curves as a self-contained SVG file, 640 × 520. */
export function curvesToSVG(curves: LearningCurves): string {
  expectCurves("curvesToSVG", curves);
  const { metric, points } = curves;
  const last = points.at(-1)?.step ?? 1;
  const x = scaleLinear([0, last], [MARGIN.left, WIDTH - MARGIN.right]);
  const second = MARGIN.top + PANEL + MARGIN.gap;
  const height = second + PANEL + MARGIN.bottom;
  const body = [
    panel("objective (mean loss)", points, [OBJECTIVE], x, MARGIN.top),
    panel(metric, points, PERFORMANCES, x, second),
    text(WIDTH / 2, height - 6, "steps", 'text-anchor="middle"'),
  ];
  const size = `width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`;
  const style = 'font-family="system-ui, sans-serif" font-size="12" fill="#222"';
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}><rect width="100%" height="100%" fill="#fff"/>${body.join("")}</svg>\n`;
}
