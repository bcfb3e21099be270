/** Text for terminals. */
import { expect, it } from "vitest";
import { wrap } from "../src/wrap.js";

it("lines are broken between words, as late as their width allows", () => {
  expect(wrap("one two three four", 12)).toBe("one two\n    three\n    four");
  expect(wrap("one two three four", 13)).toBe("one two three\n    four");
  expect(wrap("short", 13)).toBe("short");
  expect(wrap("", 13)).toBe("");
});

it("a word longer than a line stays whole, and leading spaces stay", () => {
  expect(wrap("see runs/book/rnn-memory/curves.svg", 12)).toBe("see\n    runs/book/rnn-memory/curves.svg");
  expect(wrap("  a b", 13)).toBe("  a b");
});

it("80 columns are filled unless told otherwise", () => {
  const words = new Array<string>(60).fill("word").join(" ");
  const lengths = wrap(words)
    .split("\n")
    .map(({ length }) => length);
  expect(Math.max(...lengths)).toBe(79);
  expect(wrap(words).replaceAll("\n   ", "")).toBe(words);
});
