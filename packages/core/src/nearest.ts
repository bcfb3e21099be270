/** Which of the known names a misspelt one was meant to be. */

/** What other libraries call things, in lower case and without underscores. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  lr: ["learningRate", "rate", "peak"],
  wd: ["weightDecay"],
  eps: ["epsilon"],
  epsilon: ["eps"],
  dim: ["axis"],
  axes: ["axis"],
  kernelsize: ["size"],
  numheads: ["heads"],
  numlayers: ["layers"],
  rho: ["alpha"],
  type: ["dtype"],
  p: ["dropout"],
  epochs: ["steps"],
  int: ["int32"],
  int64: ["int32"],
  long: ["int32"],
  float: ["float32"],
  half: ["float32"],
  double: ["float64"],
  byte: ["uint8"],
};

const plain = (name: string): string => name.toLowerCase().replace(/[_\-\s]/g, "");

/** Letters to insert, drop or exchange to make `b` of `a` (Levenshtein 1966). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known name that `name` is closest to, or undefined where none is close. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  // a name this long is no slip of a finger, and comparing it would take time
  if (name.length > 64) return undefined;
  const own = plain(name);
  const alias = Object.hasOwn(ALIASES, own) ? ALIASES[own]!.find((other) => known.includes(other)) : undefined;
  if (alias !== undefined) return alias;
  let best: string | undefined;
  let least = Math.max(2, Math.ceil(own.length / 3)) + 1;
  for (const other of known) {
    const apart = distance(own, plain(other));
    if (apart < least && apart < other.length) [best, least] = [other, apart];
  }
  return best;
}
