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
  let line = 1;
  const fail = (expected: string, received: string): never => {
    throw new ValueError({ op: "parseCSV", argument: `line ${line}`, expected, received });
  };
  // fields are cut out of the text, never put together letter by letter: a letter more would copy a long one
  const plainEnd = new RegExp(`[\\r\\n${escapeClass(delimiter)}]`, "g");
  let at = text.startsWith("\ufeff") ? 1 : 0;
  while (at < text.length) {
    let field: string;
    if (text[at] === '"') {
      const end = closingQuote(text, at + 1);
      if (end < 0) fail("a closing quote", "the end of the text");
      const inner = text.slice(at + 1, end);
      field = inner.replaceAll('""', '"');
      line += inner.split("\n").length - 1;
      at = end + 1;
      const next = text[at];
      if (next !== undefined && next !== delimiter && next !== "\n" && next !== "\r") {
        fail("a delimiter or the end of the line behind a quoted field", next);
      }
    } else {
      plainEnd.lastIndex = at;
      const end = plainEnd.exec(text)?.index ?? text.length;
      field = text.slice(at, end);
      // an empty line is no row
      const empty = field === "" && row.length === 0 && text[end] !== delimiter;
      at = end;
      if (empty) {
        at += text.startsWith("\r\n", at) ? 2 : 1;
        line++;
        continue;
      }
    }
    row.push(field);
    if (text[at] === delimiter) {
      at++;
      // the last field may be empty
      if (at < text.length) continue;
      row.push("");
    }
    rows.push(row);
    row = [];
    at += text.startsWith("\r\n", at) ? 2 : 1;
    line++;
  }
  return rows;
}

const escapeClass = (character: string): string => (/[\\\]^-]/.test(character) ? `\\${character}` : character);

/** Where the quoted field that begins at `from` ends; −1 when it does not. Two quotes are one of its letters. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) if (text[at + 1] !== '"') return at;
  return -1;
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
