/** Charts as SVG text. */
import { extent } from "d3-array";
import { scaleLinear, scaleLog } from "d3-scale";
import { line } from "d3-shape";

const COLORS = [
  "#1f77b4",
  "#d62728",
  "#2ca02c",
  "#9467bd",
  "#ff7f0e",
  "#17becf",
  "#8c564b",
  "#e377c2",
  "#7f7f7f",
  "#bcbd22",
];
const MARGIN = { left: 64, right: 200, top: 36, bottom: 46 };

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Single dots instead of a line. */
  readonly dots?: boolean;
}

export interface ChartOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly width?: number;
  readonly height?: number;
}

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Text at a place. */
function label(x: number, y: number, text: string, attributes = ""): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapeText(text)}</text>`;
}

/** A whole picture on white. */
function svg(width: number, height: number, content: readonly string[]): string {
  const font = 'font-family="system-ui, sans-serif" font-size="12" fill="#222"';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${font}><rect width="100%" height="100%" fill="#fff"/>${content.join("")}</svg>\n`;
}

/** Lines (or dots) over one pair of axes, with a legend. */
export function lineChart(
  series: readonly Series[],
  { title, x: xTitle, y: yTitle, logX = false, logY = false, width = 810, height = 400 }: ChartOptions,
): string {
  const points = series.flatMap((one) => one.points).filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  const [left, right] = extent(points, ([x]) => x);
  const [low, high] = extent(points, ([, y]) => y);
  const inner = { right: width - MARGIN.right, bottom: height - MARGIN.bottom };
  const x = (logX ? scaleLog : scaleLinear)([left ?? 0, right ?? 1], [MARGIN.left, inner.right]);
  const y = (logY ? scaleLog : scaleLinear)([low ?? 0, high ?? 1], [inner.bottom, MARGIN.top]).nice();
  const content = [label(MARGIN.left, 20, title, 'font-size="14" font-weight="bold"')];
  for (const tick of y.ticks(6)) {
    const at = y(tick);
    content.push(`<line x1="${MARGIN.left}" x2="${inner.right}" y1="${at}" y2="${at}" stroke="#e5e5e5"/>`);
    content.push(label(MARGIN.left - 8, at + 4, y.tickFormat(6)(tick), 'text-anchor="end"'));
  }
  for (const tick of x.ticks(7)) {
    content.push(label(x(tick), inner.bottom + 18, x.tickFormat(7)(tick), 'text-anchor="middle"'));
  }
  content.push(
    `<path d="M${MARGIN.left},${MARGIN.top}V${inner.bottom}H${inner.right}" fill="none" stroke="#444"/>`,
    label((MARGIN.left + inner.right) / 2, height - 8, xTitle, 'text-anchor="middle"'),
    label(
      0,
      0,
      yTitle,
      `text-anchor="middle" transform="translate(16 ${(MARGIN.top + inner.bottom) / 2}) rotate(-90)"`,
    ),
  );
  series.forEach(({ name, points: own, dots = false }, i) => {
    const color = COLORS[i % COLORS.length]!;
    const finite = own.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
    if (dots) {
      for (const [a, b] of finite) content.push(`<circle cx="${x(a)}" cy="${y(b)}" r="2.5" fill="${color}"/>`);
    } else {
      const path = line<readonly [number, number]>(
        ([a]) => x(a),
        ([, b]) => y(b),
      )([...finite]);
      content.push(`<path d="${path ?? ""}" fill="none" stroke="${color}" stroke-width="1.8"/>`);
    }
    const at = MARGIN.top + 8 + 18 * i;
    content.push(`<rect x="${inner.right + 12}" y="${at - 9}" width="12" height="12" fill="${color}"/>`);
    content.push(label(inner.right + 30, at + 1, name));
  });
  return svg(width, height, content);
}

/** Pictures side by side, row after row. */
export function beside(pictures: readonly string[], columns: number): string {
  const sizes = pictures.map((picture) => {
    const [, width, height] = /^<svg [^>]*?width="([\d.]+)" height="([\d.]+)"/.exec(picture)!;
    return [Number(width), Number(height)] as const;
  });
  const width = Math.max(...sizes.map(([w]) => w));
  const height = Math.max(...sizes.map(([, h]) => h));
  const placed = pictures.map((picture, i) =>
    picture.replace("<svg ", `<svg x="${(i % columns) * width}" y="${Math.floor(i / columns) * height}" `).trimEnd(),
  );
  return svg(columns * width, Math.ceil(pictures.length / columns) * height, placed);
}

export interface HeatmapOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  /** Writes the numbers into the cells. */
  readonly numbers?: boolean;
  readonly cell?: number;
}

type Color = readonly [red: number, green: number, blue: number];
const POSITIVE: Color = [31, 119, 180];
const NEGATIVE: Color = [214, 39, 40];

/** Between white, 0, and a full colour, 1. */
function colorOf(shade: number, full: Color): string {
  return `rgb(${full.map((part) => Math.round(255 - (255 - part) * shade)).join(",")})`;
}

/** Numbers as shades of blue, negative ones of red: attention weights, confusion matrices, Jacobians. */
export function heatmap(values: readonly (readonly number[])[], options: HeatmapOptions): string {
  const { title, x, y, columns, rows, numbers = false, cell = 34 } = options;
  const left = 32 + 8 * Math.max(...rows.map((row) => row.length));
  const top = 58 + 7 * Math.max(...columns.map((column) => column.length));
  const most = Math.max(...values.flat().map(Math.abs), Number.MIN_VALUE);
  const width = Math.max(left + cell * columns.length + 16, 20 + 8 * title.length);
  const height = top + cell * rows.length + 16;
  const content = [
    label(8, 18, title, 'font-size="14" font-weight="bold"'),
    label(left + (cell * columns.length) / 2, 34, x, 'text-anchor="middle" fill="#666"'),
    label(
      0,
      0,
      y,
      `text-anchor="middle" fill="#666" transform="translate(14 ${top + (cell * rows.length) / 2}) rotate(-90)"`,
    ),
  ];
  columns.forEach((column, j) => {
    content.push(label(0, 0, column, `transform="translate(${left + cell * (j + 0.6)} ${top - 6}) rotate(-60)"`));
  });
  values.forEach((row, i) => {
    content.push(label(left - 6, top + cell * (i + 0.5) + 4, rows[i] ?? "", 'text-anchor="end"'));
    row.forEach((value, j) => {
      const shade = Math.abs(value) / most;
      const color = colorOf(shade, value < 0 ? NEGATIVE : POSITIVE);
      content.push(
        `<rect x="${left + cell * j}" y="${top + cell * i}" width="${cell}" height="${cell}" fill="${color}" stroke="#eee"/>`,
      );
      if (!numbers || value === 0) return;
      const at = `text-anchor="middle" font-size="11" fill="${shade > 0.6 ? "#fff" : "#222"}"`;
      content.push(
        label(left + cell * (j + 0.5), top + cell * (i + 0.5) + 4, String(Number(value.toPrecision(3))), at),
      );
    });
  });
  return svg(width, height, content);
}
