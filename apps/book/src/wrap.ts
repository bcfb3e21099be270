/** Text for terminals. */

/** Columns that every terminal has. */
const WIDTH = 80;

/** Breaks a line between words so that none of its lines is longer than 80; those after the first are indented. */
export function wrap(text: string, width = WIDTH): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(last === undefined ? word : `    ${word}`);
  }
  return lines.join("\n");
}
