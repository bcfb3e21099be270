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

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A number at a logarithmic axis: 200, 0.05, 10⁻⁶, 2·10⁶. */
function powerText(value: number): string {
  if (value >= 1e-3 && value < 1e4) return String(Number(value.toPrecision(3)));
  const [factor, power] = value.toExponential(0).split("e").map(Number) as [number, number];
  const digits = String(Math.abs(power)).replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)]!);
  return `${factor === 1 ? "" : `${factor}·`}10${power < 0 ? "⁻" : ""}${digits}`;
}

/** An axis' scale and the ticks that have a label, about `count`. */
function axis(log: boolean, domain: readonly [number, number], range: readonly [number, number], count: number) {
  const scale = (log ? scaleLog : scaleLinear)(domain, range);
  const text = scale.tickFormat(count);
  const ticks = scale.ticks(count).flatMap((value) => {
    const label = text(value);
    return label === "" ? [] : [{ at: scale(value), label: log ? powerText(value) : label }];
  });
  return { scale, ticks };
}

/** Bounds rounded outwards to 1, 2 or 5 times a power of ten. */
function roundLog([low, high]: readonly [number, number]): [number, number] {
  const steps = (value: number) => [1, 2, 5, 10].map((factor) => factor * 10 ** Math.floor(Math.log10(value)));
  return [steps(low).findLast((step) => step <= low) ?? low, steps(high).find((step) => step >= high) ?? high];
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
  const bounds: [number, number] = [low ?? (logY ? 0.1 : 0), high ?? 1];
  const rounded = logY ? roundLog(bounds) : (scaleLinear(bounds, [0, 1]).nice().domain() as [number, number]);
  const across = axis(logX, [left ?? (logX ? 0.1 : 0), right ?? 1], [MARGIN.left, inner.right], 7);
  const up = axis(logY, rounded, [inner.bottom, MARGIN.top], 6);
  const [x, y] = [across.scale, up.scale];
  const content = [label(MARGIN.left, 20, title, 'font-size="14" font-weight="bold"')];
  for (const { at, label: text } of up.ticks) {
    content.push(`<line x1="${MARGIN.left}" x2="${inner.right}" y1="${at}" y2="${at}" stroke="#e5e5e5"/>`);
    content.push(label(MARGIN.left - 8, at + 4, text, 'text-anchor="end"'));
  }
  for (const { at, label: text } of across.ticks) {
    content.push(`<line x1="${at}" x2="${at}" y1="${inner.bottom}" y2="${inner.bottom + 4}" stroke="#444"/>`);
    content.push(label(at, inner.bottom + 18, text, 'text-anchor="middle"'));
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
  /** Writes the numbers into the cells, fractions with three digits. */
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
  const longest = Math.max(...columns.map((column) => column.length));
  // names as short as the cells are wide need no slope
  const upright = 8 * longest <= cell;
  const top = 58 + (upright ? 0 : 7 * longest);
  const most = Math.max(...values.flat().map(Math.abs), Number.MIN_VALUE);
  const width = Math.max(left + cell * columns.length + 16, 20 + 8 * title.length);
  const height = top + cell * rows.length + 16;
  const content = [
    label(8, 18, title, 'font-size="14" font-weight="bold"'),
    label(left + (cell * columns.length) / 2, 34, x, 'text-anchor="middle" fill="#444"'),
    label(
      0,
      0,
      y,
      `text-anchor="middle" fill="#444" transform="translate(14 ${top + (cell * rows.length) / 2}) rotate(-90)"`,
    ),
  ];
  columns.forEach((column, j) => {
    content.push(
      upright
        ? label(left + cell * (j + 0.5), top - 6, column, 'text-anchor="middle"')
        : label(0, 0, column, `transform="translate(${left + cell * (j + 0.6)} ${top - 6}) rotate(-60)"`),
    );
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
      const text = String(Number.isInteger(value) ? value : Number(value.toPrecision(3)));
      content.push(label(left + cell * (j + 0.5), top + cell * (i + 0.5) + 4, text, at));
    });
  });
  return svg(width, height, content);
}
