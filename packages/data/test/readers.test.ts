import { gzipSync } from "node:zlib";
import { Generator, UnsupportedError } from "@neurite/core";
import { describe, expect, it } from "vitest";
import {
  gunzip,
  muLawDecode,
  muLawEncode,
  parseCMUdict,
  parseCSV,
  parseDigits,
  parseIris,
  parseLines,
  readIdx,
  readWav,
  splitCharacters,
  splitWords,
  toMono,
  type WavFormat,
  writeWav,
} from "../src/index.js";

describe("readIdx", () => {
  const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255);

  it("reads bytes, packed or not, at any place of a buffer", async () => {
    const expected = { dtype: "uint8", shape: [2, 1, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 255) };
    expect(readIdx(images)).toEqual(expected);
    const shifted = new Uint8Array(images.length + 3);
    shifted.set(images, 3);
    expect(readIdx(shifted.subarray(3))).toEqual(expected);
    expect(readIdx(await gunzip(new Uint8Array(gzipSync(images))))).toEqual(expected);
    expect(await gunzip(images)).toBe(images);
  });

  it("reads every type of number, big-endian", () => {
    const read = (type: number, ...bytes: number[]) => {
      const width = { 9: 1, 11: 2, 12: 4, 13: 4, 14: 8 }[type]!;
      const { dtype, data } = readIdx(Uint8Array.of(0, 0, type, 1, 0, 0, 0, bytes.length / width, ...bytes));
      return [dtype, ...data];
    };
    expect(read(9, 0xff, 5)).toEqual(["int32", -1, 5]);
    expect(read(11, 0xff, 0xfe, 1, 0)).toEqual(["int32", -2, 256]);
    expect(read(12, 0xff, 0xff, 0xff, 0xfd)).toEqual(["int32", -3]);
    expect(read(13, 0x3f, 0xc0, 0, 0)).toEqual(["float32", 1.5]);
    expect(read(14, 0xc0, 4, 0, 0, 0, 0, 0, 0)).toEqual(["float64", -2.5]);
  });

  it("refuses cut, prolonged and foreign files", async () => {
    expect(() => readIdx(images.subarray(0, 21))).toThrow(/22 bytes for shape \[2, 1, 3\], but received 21/);
    expect(() => readIdx(Uint8Array.of(...images, 0))).toThrow(/22 bytes for shape/);
    expect(() => readIdx(images.subarray(0, 10))).toThrow(/16 bytes of header, but received 10/);
    expect(() => readIdx(Uint8Array.of(1, 2, 3, 4))).toThrow(/the start of an IDX file.*but received 01 02 03 04/);
    expect(() => readIdx(Uint8Array.of(0, 0, 10, 1))).toThrow(/the start of an IDX file/);
    expect(() => readIdx(new Uint8Array(0))).toThrow(/nothing/);
    const packed = new Uint8Array(gzipSync(images));
    expect(() => readIdx(packed)).toThrow(/await gunzip\(bytes\)/);
    await expect(gunzip(packed.subarray(0, packed.length - 4))).rejects.toThrow(/a whole gzip file/);
  });
});

/** RFC 4180 letter by letter, as slow as it is plain; null for what it refuses. */
function csvByLetter(text: string): string[][] | null {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let state: "start" | "plain" | "quoted" | "closed" = "start";
  const endRow = () => {
    if (row.length > 0 || state !== "start") rows.push([...row, field]);
    row = [];
    field = "";
    state = "start";
  };
  for (let i = 0; i < text.length; i++) {
    const letter = text[i]!;
    if (state === "quoted") {
      if (letter !== '"') field += letter;
      else if (text[i + 1] === '"') field += text[++i];
      else state = "closed";
    } else if (letter === "\n" || letter === "\r") {
      if (letter === "\r" && text[i + 1] === "\n") i++;
      endRow();
    } else if (letter === ",") {
      row.push(field);
      field = "";
      state = "start";
    } else if (letter === '"' && state === "start") state = "quoted";
    else if (state === "closed") return null;
    else {
      field += letter;
      state = "plain";
    }
  }
  if (state === "quoted") return null;
  endRow();
  return rows;
}

describe("gunzip", () => {
  it("stops at a limit, long before what would come out is made", async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(50_000_000)));
    expect(bomb.length).toBeLessThan(100_000);
    const refused = gunzip(bomb, { maximumBytes: 1_000_000 });
    await expect(refused).rejects.toThrow(/gunzip: bytes expects at most 1000000 bytes in the file.*maximumBytes/);
    await expect(gunzip(bomb, { maximumBytes: 49_999_999 })).rejects.toThrow(UnsupportedError);
    expect((await gunzip(bomb, { maximumBytes: 50_000_000 })).length).toBe(50_000_000);
  });

  it("unpacks files of several members and of nothing", async () => {
    const members = Buffer.concat([gzipSync("ab"), gzipSync("c")]);
    expect(new TextDecoder().decode(await gunzip(members))).toBe("abc");
    expect((await gunzip(new Uint8Array(gzipSync("")))).length).toBe(0);
  });
});

describe("parseCSV", () => {
  it("gives what a reader letter by letter gives, of any text", () => {
    const generator = new Generator(1);
    const letters = ["a", "b", ",", ",", '"', '"', "\n", "\r", "\r\n", '""'];
    let refused = 0;
    for (let i = 0; i < 5000; i++) {
      const text = Array.from(
        { length: generator.integer(12) },
        () => letters[generator.integer(letters.length)]!,
      ).join("");
      const expected = csvByLetter(text);
      if (expected) expect(parseCSV(text), JSON.stringify(text)).toEqual(expected);
      else expect(() => parseCSV(text), JSON.stringify(text)).toThrow(/parseCSV: line/);
      if (!expected) refused++;
    }
    expect(refused).toBeGreaterThan(500);
    expect(refused).toBeLessThan(4500);
  });

  it("reads a quoted field of 20 MB with line ends and quotes in time that grows with its length", () => {
    const inner = 'x\ny""'.repeat(4_000_000);
    const [row] = parseCSV(`a,"${inner}",b\n`);
    expect(row!.map(({ length }) => length)).toEqual([1, 16_000_000, 1]);
  });

  it.each(["^", "]", "-", "\\", "|", ".", "\t", " "])("takes %j as the delimiter", (delimiter) => {
    expect(parseCSV(`a${delimiter}"b${delimiter}"${delimiter}c\nd`, { delimiter })).toEqual([
      ["a", `b${delimiter}`, "c"],
      ["d"],
    ]);
  });

  it("reads quoted fields, all line ends, and empty fields", () => {
    expect(parseCSV('a,"b ""x"", y",\r\n"two\nlines",,c\n\nlast')).toEqual([
      ["a", 'b "x", y', ""],
      ["two\nlines", "", "c"],
      ["last"],
    ]);
    expect(parseCSV("\ufeffa;b\rc;d\r", { delimiter: ";" })).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    expect(parseCSV('""\n')).toEqual([[""]]);
    expect(parseCSV("")).toEqual([]);
  });

  it("names the line that is wrong", () => {
    expect(() => parseCSV('a\n"b')).toThrow(/line 2 expects a closing quote/);
    expect(() => parseCSV('a\n"b"c')).toThrow(
      /line 2 expects a delimiter or the end of the line behind a quoted field/,
    );
  });
});

describe("tables", () => {
  it("reads 8 × 8 digits", () => {
    const row = [...Array.from({ length: 64 }, (_, i) => i % 17), 7].join(",");
    const [digit] = parseDigits(`${row}\n`);
    expect(digit!.label).toBe(7);
    expect(digit!.pixels).toHaveLength(64);
    expect([digit!.pixels[0], digit!.pixels[8], digit!.pixels[16]]).toEqual([0, 0.5, 1]);
    expect(() => parseDigits("1,2,3")).toThrow(/row 1 expects 65 fields, but received 3/);
    expect(() => parseDigits(row.replace("16", "17"))).toThrow(/64 integers from 0 to 16.*received 17/);
    expect(() => parseDigits(`${row.slice(0, -1)}10`)).toThrow(/label 10/);
    expect(() => parseDigits(row.replace("16", ""))).toThrow(/row 1, column 17 expects a number, but received ""/);
  });

  it("reads irises, with or without a head line", () => {
    const rows =
      "5.1,3.5,1.4,0.2,Iris-setosa\n7.0,3.2,4.7,1.4,Iris-versicolor\n6.3,3.3,6.0,2.5,virginica\n5,3,1,0.1,Setosa\n";
    const expected = parseIris(rows);
    expect(expected.map(({ species, label }) => [species, label])).toEqual([
      ["setosa", 0],
      ["versicolor", 1],
      ["virginica", 2],
      ["setosa", 0],
    ]);
    expect(expected[1]!.features).toEqual([7, 3.2, 4.7, 1.4]);
    expect(parseIris(`sepal_length,sepal_width,petal_length,petal_width,species\n${rows}`)).toEqual(expected);
    expect(() => parseIris("1,2,3,x,setosa")).toThrow(/row 1, column 4 expects a number, but received "x"/);
    expect(() => parseIris("1,2,3,4")).toThrow(/row 1 expects 5 fields/);
  });
});

describe("text", () => {
  it("splits into lines, words and characters", () => {
    expect(parseLines("\ufeffa \r\n\n b\rc")).toEqual(["a", "b", "c"]);
    expect(splitWords("Don't stop: 42 cafés—now!")).toEqual(["Don't", "stop", ":", "42", "cafés", "—", "now", "!"]);
    expect(splitWords("")).toEqual([]);
    expect(splitCharacters("a👍")).toEqual(["a", "👍"]);
  });

  it("reads the pronouncing dictionary, variants together", () => {
    const words = parseCMUdict(";;; comment\nA  AH0\nA(1)  EY1\nabacus AE1 B AH0 K AH0 S # note\n'tis  T IH1 Z\n");
    expect([...words.keys()]).toEqual(["a", "abacus", "'tis"]);
    expect(words.get("a")).toEqual([["AH0"], ["EY1"]]);
    expect(words.get("abacus")).toEqual([["AE1", "B", "AH0", "K", "AH0", "S"]]);
    expect(() => parseCMUdict("word")).toThrow(/a word and its phonemes, but received "word"/);
    expect(() => parseCMUdict('{ "a": 1 }')).toThrow(/a word and its phonemes/);
  });
});

describe("WAV", () => {
  const samples = Float32Array.of(0, 0.5, -0.5, 0.999, -1, 0.25);
  const steps: Record<WavFormat, number> = {
    pcm8: 2 ** -7,
    pcm16: 2 ** -15,
    pcm24: 2 ** -23,
    pcm32: 2 ** -24,
    float32: 0,
  };

  it.each(Object.entries(steps))("%s is read as it was written", (format, step) => {
    for (const channels of [1, 2, 3]) {
      const bytes = writeWav({ sampleRate: 16_000, channels, samples }, format as WavFormat);
      const sound = readWav(bytes);
      expect([sound.sampleRate, sound.channels, sound.samples.length]).toEqual([16_000, channels, 6]);
      sound.samples.forEach((value, i) => void expect(Math.abs(value - samples[i]!)).toBeLessThanOrEqual(step));
      expect(writeWav(sound, format as WavFormat)).toEqual(bytes);
    }
  });

  it("has the bytes of the format, and cuts what is too loud", () => {
    const bytes = writeWav({ sampleRate: 8000, channels: 1, samples: Float32Array.of(2, -2, 2 ** -15) });
    const text = (from: number) => String.fromCharCode(...bytes.subarray(from, from + 4));
    expect([text(0), text(8), text(12), text(36)]).toEqual(["RIFF", "WAVE", "fmt ", "data"]);
    expect([...bytes.subarray(4, 8)]).toEqual([42, 0, 0, 0]);
    expect([...bytes.subarray(20, 36)]).toEqual([1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0]);
    expect([...bytes.subarray(44)]).toEqual([0xff, 0x7f, 0, 0x80, 1, 0]);
    // an odd length is filled up
    expect(writeWav({ sampleRate: 1, channels: 1, samples: Float32Array.of(0) }, "pcm8").length).toBe(46);
    expect(readWav(writeWav({ sampleRate: 1, channels: 1, samples: new Float32Array(0) })).samples).toHaveLength(0);
  });

  it("skips other chunks, and knows the extensible format", () => {
    const plain = writeWav({ sampleRate: 8000, channels: 1, samples }, "pcm16");
    const extra = Uint8Array.of(0x4c, 0x49, 0x53, 0x54, 3, 0, 0, 0, 1, 2, 3, 0);
    const withExtra = Uint8Array.of(...plain.subarray(0, 12), ...extra, ...plain.subarray(12));
    expect(readWav(withExtra)).toEqual(readWav(plain));
    const format = [...plain.subarray(20, 36), ...new Array<number>(24).fill(0)];
    format[0] = 0xfe;
    format[1] = 0xff;
    format[24] = 1;
    const extensible = Uint8Array.of(...plain.subarray(0, 16), 40, 0, 0, 0, ...format, ...plain.subarray(36));
    expect(readWav(extensible)).toEqual(readWav(plain));
  });

  it("refuses cut and foreign files", () => {
    const bytes = writeWav({ sampleRate: 8000, channels: 2, samples });
    const changed = (at: number, ...values: number[]) => {
      const copy = bytes.slice();
      copy.set(values, at);
      return copy;
    };
    expect(() => readWav(new TextEncoder().encode("ID3 something else"))).toThrow(
      /a RIFF file of type WAVE, but received "ID3 "/,
    );
    expect(() => readWav(bytes.subarray(0, 50))).toThrow(/chunk data expects 12 bytes, but received 6/);
    expect(() => readWav(bytes.subarray(0, 36))).toThrow(/a chunk "data", but received none/);
    expect(() => readWav(changed(12, 0x4c))).toThrow(/a chunk "fmt " before the data/);
    expect(() => readWav(changed(20, 2))).toThrow(/coding 2 with 16 bits/);
    expect(() => readWav(changed(34, 12))).toThrow(/coding 1 with 12 bits/);
    expect(() => readWav(changed(22, 0))).toThrow(/0 channels at 8000 Hz/);
    expect(() => readWav(changed(40, 10))).toThrow(/a multiple of 4 bytes, one frame, but received 10/);
    expect(() => writeWav({ sampleRate: 1, channels: 4, samples })).toThrow(/6 samples for 4 channels/);
  });

  it("mixes channels", () => {
    expect([...toMono({ sampleRate: 1, channels: 2, samples: Float32Array.of(1, 0, -0.5, 0.25) }).samples]).toEqual([
      0.5, -0.125,
    ]);
  });
});

describe("µ-law", () => {
  it("follows its formula, and comes back within half a class", () => {
    expect([...muLawEncode([-1, 0, 1, 5])]).toEqual([0, 128, 255, 255]);
    const f = Math.log1p(255 * 0.1) / Math.log(256);
    expect(muLawEncode([0.1])[0]).toBe(Math.floor(((f + 1) / 2) * 255 + 0.5));
    const codes = Int32Array.from({ length: 256 }, (_, i) => i);
    expect(muLawEncode(muLawDecode(codes))).toEqual(codes);
    expect([...muLawDecode([0, 255])]).toEqual([-1, 1]);
    expect([...muLawEncode(muLawDecode([0, 7, 15], 15), 15)]).toEqual([0, 7, 15]);
  });
});
