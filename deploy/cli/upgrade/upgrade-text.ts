/** What `hotspare upgrade check` prints for people. */
import { createColors } from "picocolors";
import { rangeOf } from "../../../shared/journal/record-formats.ts";
import { printable } from "../printable.ts";
import { plainTable } from "../plain-table.ts";
import { FORMATS } from "./format-table.ts";
import type { NodeVersions } from "./node-versions.ts";
import type { OwnVersions, UpgradePlan, UpgradeStep } from "./upgrade-plan.ts";

export interface UpgradeShown {
  readonly own: OwnVersions;
  readonly nodes: readonly NodeVersions[];
  readonly plan: UpgradePlan;
}

export function upgradeText(shown: UpgradeShown, { colours }: { readonly colours: boolean }): string {
  const { bold, yellow } = createColors(colours);
  const { own, plan } = shown;
  const obstacles = plan.inTheWay.map((text) => yellow(`- ${printable(text)}`));
  return [
    bold(`upgrade to hotspare ${own.program} (Node.js ${own.node})`),
    nodeTable(shown),
    poolTable(shown),
    formatTable(),
    stepLines(plan.steps),
    ...(obstacles.length === 0 ? [] : [["in the way:", ...obstacles].join("\n")]),
  ].join("\n\n");
}

function nodeTable({ nodes, own }: UpgradeShown): string {
  const rows = nodes.map((node) => [
    node.id,
    roleText(node),
    node.program,
    node.node,
    node.protocol && rangeOf(node.protocol),
    node.records && rangeOf(node.records),
    node.configHash === null ? null : node.configHash === own.configHash ? "same" : "another",
    printable(remarkOn(node, own)),
  ]);
  return plainTable(["node", "role", "program", "Node.js", "protocol", "records", "configuration", "remarks"], rows);
}

function roleText({ kind, pools }: NodeVersions): string {
  if (kind === "proxy") return "proxy";
  return pools.map(({ pool, role }) => `${role} of ${pool}`).join(", ");
}

function remarkOn({ problem, node, kind }: NodeVersions, own: OwnVersions): string {
  if (problem !== null) return problem;
  return kind === "host" && node !== null && node !== own.node ? "another Node.js than here" : "";
}

function poolTable({ plan, own }: UpgradeShown): string {
  const rows = plan.pools.map(({ pool, primary, format }) => [
    pool,
    primary,
    format?.toString() ?? null,
    rangeOf(own.records),
  ]);
  return plainTable(["pool", "primary", "written in", "this program reads"], rows);
}

const formatTable = (): string =>
  plainTable(
    ["format", "this program reads", "raised"],
    FORMATS.map(({ name, reads, raised }) => [name, rangeOf(reads), raised]),
  );

function stepLines(steps: readonly UpgradeStep[]): string {
  if (steps.length === 0) return "nothing is left to do";
  const lines = steps.map((step, index) => `${index + 1}. ${stepText(step)}`);
  return ["one after the other, each when the one before is well again:", ...lines].join("\n");
}

function stepText(step: UpgradeStep): string {
  switch (step.type) {
    case "update": {
      const handsOver = step.serves.length === 0 ? "" : ` (hands over ${step.serves.join(", ")} as it stops)`;
      return `${step.node}: stop it by SIGTERM${handsOver}, then start the new program: hotspare ${step.kind} --id ${step.node}`;
    }
    case "finish":
      return `hotspare upgrade finish --pool ${step.pool}: written in version ${step.to} instead of ${step.from}, which older programs do not read`;
  }
}
