/** How time grows with the work that the book counts (Jiang §8.2): O(n·d), O(d·f) and O(d²·f²·p·k). */
import type { Row } from "./report.js";
import { fitPowerLaw, type PowerLaw } from "./statistics.js";
import { shortEngine } from "./table.js";

export const LAWS = {
  full_: { law: "n·d", title: "full connection, O(n·d)" },
  conv1d_: { law: "d·f", title: "1-D convolution, O(d·f)" },
  conv2d_: { law: "d²·f²·p·k", title: "2-D convolution, O(d²·f²·p·k)" },
} as const;
export type Prefix = keyof typeof LAWS;

/** One law on one engine. */
export interface Growth extends PowerLaw {
  readonly prefix: Prefix;
  readonly law: string;
  readonly engine: string;
  readonly points: readonly { readonly work: number; readonly time: number }[];
}

/** Fits of time = factor · work^exponent, for what was measured at three sizes or more. */
export function growthOf(rows: readonly Row[]): Growth[] {
  return (Object.keys(LAWS) as Prefix[]).flatMap((prefix) => {
    const family = rows.filter(({ suite, workload }) => suite === "scaling" && workload.startsWith(prefix));
    return [...new Set(family.map(shortEngine))].flatMap((engine) => {
      const points = family
        .filter((row) => shortEngine(row) === engine && row.work !== null && row.medianMs !== null)
        .map(({ work, medianMs }) => ({ work: work!, time: medianMs! }))
        .sort((a, b) => a.work - b.work);
      return points.length < 3 ? [] : [{ prefix, law: LAWS[prefix].law, engine, points, ...fitPowerLaw(points) }];
    });
  });
}
