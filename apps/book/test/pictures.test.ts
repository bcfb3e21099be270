/** Charts, heatmaps and PNGs. */
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { heatmap, lineChart, type Series } from "../src/pictures/chart.js";
import { encodePNG, type Pixels, stretched, tile } from "../src/pictures/png.js";

/** Whether all elements of a text of XML are closed in turn. */
function isWellFormed(text: string): boolean {
  const open: string[] = [];
  for (const [, closing, name, own] of text.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (closing) {
      if (open.pop() !== name) return false;
    } else if (!own) open.push(name!);
  }
  return open.length === 0 && !/<(?!\/?[a-z]+[\s/>])|&(?!#\d+;)/.test(text);
}

/** Points of the chart's lines, in pixels. */
const pathsOf = (chart: string) =>
  Array.from(chart.matchAll(/<path d="M([^"VH]*)" fill="none" stroke="#[0-9a-f]{6}" stroke-width/g), ([, path]) =>
    path!.split("L").map((point) => point.split(",").map(Number)),
  );

describe("lineChart", () => {
  const axes = { title: "a < b & c", x: "steps", y: '"loss"', width: 600, height: 300 };

  it("draws each series between its axes, names them, and escapes text", () => {
    const series: Series[] = [
      {
        name: "rising",
        points: [
          [0, 0],
          [5, 5],
          [10, 10],
        ],
      },
      {
        name: "flat",
        points: [
          [0, 5],
          [10, 5],
        ],
      },
    ];
    const chart = lineChart(series, axes);
    expect(isWellFormed(chart)).toBe(true);
    expect(chart).toMatch(/^<svg [^>]*width="600" height="300"/);
    for (const text of ["a &#60; b &#38; c", "steps", "&#34;loss&#34;", "rising", "flat"])
      expect(chart).toContain(`>${text}<`);
    const [rising, flat] = pathsOf(chart) as [number[][], number[][]];
    expect(rising).toHaveLength(3);
    expect(flat).toHaveLength(2);
    const [start, middle, end] = rising as [number[], number[], number[]];
    expect(middle[0]).toBeCloseTo((start[0]! + end[0]!) / 2, 2);
    expect(middle[1]).toBeCloseTo(flat[0]![1]!, 2);
    // pixels count downwards
    expect(end[1]).toBeLessThan(start[1]!);
    for (const [x, y] of [...rising, ...flat] as [number, number][]) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThan(600);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThan(300);
    }
  });

  it("spaces powers evenly on logarithmic axes", () => {
    const chart = lineChart(
      [
        {
          name: "power",
          points: [
            [1, 1],
            [10, 100],
            [100, 10_000],
          ],
        },
      ],
      {
        ...axes,
        logX: true,
        logY: true,
      },
    );
    const [[one, ten, hundred]] = pathsOf(chart) as [[number[], number[], number[]]];
    expect(ten[0]! - one[0]!).toBeCloseTo(hundred[0]! - ten[0]!, 2);
    expect(ten[1]! - one[1]!).toBeCloseTo(hundred[1]! - ten[1]!, 2);
  });

  it("labels logarithmic axes by powers of ten, from bounds of 1, 2 or 5", () => {
    const points = [
      [0.004, 3e-7],
      [700, 2e6],
    ] as const;
    const chart = lineChart([{ name: "power", points }], { ...axes, logX: true, logY: true });
    const labels = (anchor: string) =>
      Array.from(
        chart.matchAll(new RegExp(`<text [^>]*text-anchor="${anchor}">([^<]*)</text>`, "g")),
        ([, text]) => text,
      );
    expect(labels("end")).toEqual(["10⁻⁶", "10⁻⁴", "0.01", "1", "100", "10⁴", "10⁶"]);
    expect(labels("middle").slice(0, -1)).toEqual(["0.01", "0.1", "1", "10", "100"]);
    const [[low, high]] = pathsOf(chart) as [[number[], number[]]];
    // from 2·10⁻⁷ at 254 to 2·10⁶ at 36
    expect(low[1]).toBeCloseTo(254 - (218 * Math.log10(1.5)) / 13, 2);
    expect(high[1]).toBeCloseTo(36, 2);
  });

  it("draws dots, leaves out what is not finite, and survives no point at all", () => {
    const dots = lineChart(
      [
        {
          name: "dots",
          points: [
            [0, 1],
            [1, Number.NaN],
            [2, 3],
          ],
          dots: true,
        },
      ],
      axes,
    );
    expect(dots.match(/<circle /g)).toHaveLength(2);
    const gap = lineChart(
      [
        {
          name: "gap",
          points: [
            [0, 1],
            [1, Number.POSITIVE_INFINITY],
            [2, 3],
          ],
        },
      ],
      axes,
    );
    expect(pathsOf(gap)[0]).toHaveLength(2);
    for (const chart of [dots, gap, lineChart([], axes), lineChart([{ name: "none", points: [] }], axes)]) {
      expect(isWellFormed(chart)).toBe(true);
      expect(chart).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});

describe("heatmap", () => {
  const names = { title: "pairs", x: "to", y: "from", columns: ["a", "b"], rows: ["c", "<d>"] };

  it("shades each cell by its number, from white to blue, and writes it if told", () => {
    const map = heatmap(
      [
        [4, 0],
        [1, 2],
      ],
      { ...names, numbers: true },
    );
    expect(isWellFormed(map)).toBe(true);
    const colors = Array.from(map.matchAll(/height="34" fill="rgb\(([\d,]+)\)"/g), ([, color]) => color);
    expect(colors).toEqual(["31,119,180", "255,255,255", "199,221,236", "143,187,218"]);
    for (const text of ["4", "1", "2", "a", "b", "c", "&#60;d&#62;"]) expect(map).toContain(`>${text}<`);
    expect(map).not.toContain(">0<");
    expect(
      heatmap(
        [
          [4, 0],
          [1, 2],
        ],
        names,
      ),
    ).not.toContain(">4<");
  });

  it("writes whole numbers in full, fractions with three digits", () => {
    const map = heatmap([[1132, 0.12345]], { ...names, rows: ["c"], numbers: true });
    for (const text of ["1132", "0.123"]) expect(map).toContain(`>${text}<`);
  });

  it("slopes the columns' names only where they are wider than the cells", () => {
    const slopes = (columns: string[], cell: number) =>
      heatmap([[1, 2]], { ...names, columns, rows: ["c"], cell }).match(/rotate\(-60\)/g)?.length ?? 0;
    expect(slopes(["a", "b"], 13)).toBe(0);
    expect(slopes(["a", "whale"], 13)).toBe(2);
    expect(slopes(["a", "whale"], 40)).toBe(0);
  });

  it("shades negative numbers red", () => {
    const map = heatmap(
      [
        [-4, 0],
        [0, 4],
      ],
      names,
    );
    expect(map).toContain('fill="rgb(214,39,40)"');
    expect(map).toContain('fill="rgb(31,119,180)"');
    expect(heatmap([[0]], { ...names, columns: ["a"], rows: ["c"] })).toContain("rgb(255,255,255)");
  });
});

describe("PNG", () => {
  const decode = (pixels: Pixels) => PNG.sync.read(Buffer.from(encodePNG(pixels)));

  it("holds grey and coloured pixels, cut to 0 … 255", () => {
    const grey = decode({ width: 3, height: 1, channels: 1, data: [-1, 0.5, 2] });
    expect([grey.width, grey.height]).toEqual([3, 1]);
    expect([...grey.data]).toEqual([0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255]);
    const color = decode({ width: 1, height: 2, channels: 3, data: [1, 0, 0, 0, 0.2, 1] });
    expect([...color.data]).toEqual([255, 0, 0, 255, 0, 51, 255, 255]);
  });

  it("of several images has them row after row on white", () => {
    const black: Pixels = { width: 1, height: 1, channels: 1, data: [0] };
    const red: Pixels = { width: 1, height: 1, channels: 3, data: [1, 0, 0] };
    const { width, height, data } = tile([black, red, red], { columns: 2, scale: 2, gap: 1 });
    expect([width, height]).toEqual([7, 7]);
    const pixel = (x: number, y: number) => Array.from({ length: 3 }, (_, c) => data[(y * width + x) * 3 + c]);
    expect([pixel(0, 0), pixel(1, 1), pixel(2, 2), pixel(3, 1)]).toEqual([
      [1, 1, 1],
      [0, 0, 0],
      [0, 0, 0],
      [1, 1, 1],
    ]);
    expect([pixel(4, 1), pixel(1, 4), pixel(4, 4)]).toEqual([
      [1, 0, 0],
      [1, 0, 0],
      [1, 1, 1],
    ]);
    expect(decode(tile([], { columns: 2 })).width).toBe(1);
  });

  it("stretches numbers to 0 … 1, equal ones to the middle", () => {
    expect([...stretched([-2, 0, 2])]).toEqual([0, 0.5, 1]);
    expect([...stretched([3, 3])]).toEqual([0.5, 0.5]);
  });
});
