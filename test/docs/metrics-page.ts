/** The tables of docs/metrics.md, by section. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../source-code.ts";

export interface DescribedMetric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

export type MetricsSection = "Of a host" | "Of a proxy" | "Of each process";

const ROW = /^\| `(\w+)` \| (\w+) \| ([^|]*)\| /gm;

export function describedMetrics(section: MetricsSection): readonly DescribedMetric[] {
  const page = readFileSync(join(root, "docs/metrics.md"), "utf8");
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? "";
  return [...text.matchAll(ROW)].map(([, name = "", type = "", labels = ""]) => ({
    name,
    type,
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label),
  }));
}
