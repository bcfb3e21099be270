/** Tables as text: CSV, and two classic sets, handwritten 8 × 8 digits and Fisher's irises. */
import { ValueError } from "@neurite/core";
import { expectOptions, expectText, type OptionKinds } from "@neurite/core/expect";

export interface CSVOptions {
  /** Default `,`. */
  readonly delimiter?: string;
}

const OPTIONS: OptionKinds<CSVOptions> = { delimiter: "string" };

/**
 * Rows of fields (RFC 4180): quoted fields may hold delimiters, line ends and doubled quotes. Empty lines are left out.
 * @throws ValueError for a quote that is never closed, or text behind a closing one
 */
export function parseCSV(text: string, options: CSVOptions = {}): string[][] {
  expectText("parseCSV", "text", text);
  expectOptions("parseCSV", options, OPTIONS);
  const { delimiter = "," } = options;
  if (delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
    throw new ValueError({
      op: "parseCSV",
      argument: "delimiter",
      expected: "one character, no quote or line end",
      received: JSON.stringify(delimiter),
    });
  }
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let line = 1;
  let state: "start" | "plain" | "quoted" | "closed" = "start";
  const fail = (expected: string, received: string): never => {
    throw new ValueError({ op: "parseCSV", argument: `line ${line}`, expected, received });
  };
  const endRow = () => {
    if (row.length > 0 || state !== "start") rows.push([...row, field]);
    row = [];
    field = "";
    state = "start";
  };
  const start = text.startsWith("\ufeff") ? 1 : 0;
  for (let i = start; i < text.length; i++) {
    const character = text[i]!;
    if (state === "quoted") {
      if (character === "\n") line++;
      if (character !== '"') field += character;
      else if (text[i + 1] === '"') field += text[++i];
      else state = "closed";
    } else if (character === "\n" || character === "\r") {
      if (character === "\r" && text[i + 1] === "\n") i++;
      endRow();
      line++;
    } else if (character === delimiter) {
      row.push(field);
      field = "";
      state = "start";
    } else if (character === '"' && state === "start") state = "quoted";
    else if (state === "closed") fail("a delimiter or the end of the line behind a quoted field", character);
    else {
      field += character;
      state = "plain";
    }
  }
  if (state === "quoted") fail("a closing quote", "the end of the text");
  endRow();
  return rows;
}

function numbersOf(op: string, fields: readonly string[], row: number): number[] {
  return fields.map((field, column) => {
    const value = field.trim() === "" ? Number.NaN : Number(field);
    if (Number.isFinite(value)) return value;
    throw new ValueError({
      op,
      argument: `row ${row + 1}, column ${column + 1}`,
      expected: "a number",
      received: JSON.stringify(field),
    });
  });
}

function expectFields(op: string, fields: readonly string[], row: number, count: number): void {
  if (fields.length === count) return;
  throw new ValueError({
    op,
    argument: `row ${row + 1}`,
    expected: `${count} fields`,
    received: String(fields.length),
  });
}

/** One handwritten digit. */
export interface Digit {
  /** [8, 8, 1], 0 … 1. */
  readonly pixels: Float32Array;
  /** 0 … 9. */
  readonly label: number;
}

/**
 * The 8 × 8 digits of the UCI set (also scikit-learn's): rows of 64 integers 0 … 16 and a label.
 * @throws ValueError for rows of another form
 */
export function parseDigits(text: string): Digit[] {
  return parseCSV(text).map((fields, row) => {
    expectFields("parseDigits", fields, row, 65);
    const values = numbersOf("parseDigits", fields, row);
    const label = values.pop()!;
    const wrong = values.find((value) => !(Number.isInteger(value) && value >= 0 && value <= 16));
    if (wrong !== undefined || !(Number.isInteger(label) && label >= 0 && label <= 9)) {
      throw new ValueError({
        op: "parseDigits",
        argument: `row ${row + 1}`,
        expected: "64 integers from 0 to 16 and a label from 0 to 9",
        received: wrong === undefined ? `label ${label}` : String(wrong),
      });
    }
    return { pixels: Float32Array.from(values, (value) => value / 16), label };
  });
}

/** One iris. */
export interface Iris {
  /** Length and width of sepal and petal in cm. */
  readonly features: readonly [number, number, number, number];
  /** Without the prefix `Iris-`. */
  readonly species: string;
  /** Number of the species, in alphabetical order. */
  readonly label: number;
}

/**
 * Fisher's irises: rows of four numbers and the species, with or without a head line.
 * @throws ValueError for rows of another form
 */
export function parseIris(text: string): Iris[] {
  const all = parseCSV(text);
  const isHead = all[0]?.every((field) => field.trim() === "" || Number.isNaN(Number(field))) ?? false;
  const rows = (isHead ? all.slice(1) : all).map((fields, row) => {
    expectFields("parseIris", fields, row, 5);
    const features = numbersOf("parseIris", fields.slice(0, 4), row) as [number, number, number, number];
    return {
      features,
      species: fields[4]!
        .trim()
        .replace(/^iris-/i, "")
        .toLowerCase(),
    };
  });
  const names = [...new Set(rows.map(({ species }) => species))].sort();
  return rows.map(({ features, species }) => ({ features, species, label: names.indexOf(species) }));
}
