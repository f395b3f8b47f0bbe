/**
 * What is left of an upgrade to the version of this very program, in an order in which no request fails, and what stands in
 * the way of the next step. Pure. Hosts that serve nothing come first, so that whoever follows a primary that stops is new;
 * what only new programs can read is written last.
 */
import { rangeOf, type FormatRange } from "../../../shared/journal/record-formats.ts";
import { commonVersion, rangeText, type ProtocolRange } from "../../../shared/wire/protocol-range.ts";
import { bringBack } from "../../../host/format-raise.ts";
import type { NodeVersions } from "./node-versions.ts";

/** What this program is and knows. */
export interface OwnVersions {
  readonly program: string;
  readonly node: string;
  readonly protocol: ProtocolRange;
  readonly records: FormatRange;
  readonly configHash: string;
}

export type UpgradeStep =
  /** `serves`: the pools that it hands over when it stops. */
  | {
      readonly type: "update";
      readonly node: string;
      readonly kind: NodeVersions["kind"];
      readonly serves: readonly string[];
    }
  | { readonly type: "finish"; readonly pool: string; readonly from: number; readonly to: number };

export interface PoolFormat {
  readonly pool: string;
  readonly primary: string | null;
  /** What it is written in, as its primary says; `null`: nobody serves it. */
  readonly format: number | null;
}

export interface UpgradePlan {
  readonly pools: readonly PoolFormat[];
  readonly steps: readonly UpgradeStep[];
  readonly inTheWay: readonly string[];
}

export function planUpgrade(nodes: readonly NodeVersions[], poolIds: readonly string[], own: OwnVersions): UpgradePlan {
  const pools = poolIds.map((pool) => poolFormat(pool, nodes));
  const updates = updateSteps(nodes, own);
  const steps = [...updates, ...pools.flatMap((pool) => finishStep(pool, own))];
  return { pools, steps, inTheWay: obstacles(nodes, pools, { own, next: steps[0] ?? null }) };
}

function updateSteps(nodes: readonly NodeVersions[], own: OwnVersions): readonly UpgradeStep[] {
  const old = nodes.filter((node) => isOlder(node, own));
  const steps = old.map(
    (node) => ({ type: "update", node: node.id, kind: node.kind, serves: servedBy(node) }) as const,
  );
  const rank = ({ kind, serves }: (typeof steps)[number]): number => (kind === "proxy" ? 2 : serves.length > 0 ? 1 : 0);
  return steps.toSorted((one, other) => rank(one) - rank(other));
}

/** Of a node that cannot be asked nothing is known. */
function isOlder({ program, protocol, records }: NodeVersions, own: OwnVersions): boolean {
  if (program === null) return false;
  const reads = records?.max ?? own.records.max;
  const speaks = protocol?.max ?? own.protocol.max;
  return program !== own.program || reads < own.records.max || speaks < own.protocol.max;
}

function finishStep({ pool, format }: PoolFormat, { records }: OwnVersions): readonly UpgradeStep[] {
  return format === null || format >= records.max ? [] : [{ type: "finish", pool, from: format, to: records.max }];
}

/** Who was deposed and does not know it yet may still say that it serves: the newest epoch holds. */
function poolFormat(pool: string, nodes: readonly NodeVersions[]): PoolFormat {
  const claims = nodes.flatMap(({ id, pools }) =>
    pools.filter((report) => report.pool === pool && report.serving).map((report) => ({ id, report })),
  );
  const epochOf = ({ report }: (typeof claims)[number]): number => report.fence?.epoch ?? 0;
  const [newest] = claims.toSorted((one, other) => epochOf(other) - epochOf(one));
  return { pool, primary: newest?.id ?? null, format: newest ? (newest.report.format ?? 1) : null };
}

const servedBy = ({ pools }: NodeVersions): readonly string[] =>
  pools.filter(({ serving }) => serving).map(({ pool }) => pool);

// --- What stands in the way -----------------------------------------------------------------------------------------

interface Next {
  readonly own: OwnVersions;
  readonly next: UpgradeStep | null;
}

function obstacles(
  nodes: readonly NodeVersions[],
  pools: readonly PoolFormat[],
  { own, next }: Next,
): readonly string[] {
  return [
    ...nodes.flatMap((node) => obstaclesAt(node, own)),
    ...pools.filter(({ primary }) => primary === null).map(({ pool }) => `nobody serves pool ${pool}`),
    ...(next?.type === "update" ? next.serves.flatMap((pool) => heirless(pool, next.node, nodes)) : []),
  ];
}

function obstaclesAt({ id, protocol, records, pools, problem }: NodeVersions, own: OwnVersions): readonly string[] {
  const alarms = pools.flatMap(({ pool, alarm }) => (alarm === null ? [] : [`${id}: pool ${pool}: ${alarm}`]));
  const strange = protocol !== null && commonVersion(protocol, own.protocol) === null;
  const newer = records !== null && records.max > own.records.max;
  return [
    ...(problem === null || strange ? [] : [`${id} cannot be asked (${problem}): ${bringBack(id)}`]),
    ...(strange
      ? [`${id} speaks protocol ${rangeText(protocol)}, this program ${rangeText(own.protocol)}: ${BETWEEN}`]
      : []),
    ...(newer ? [`${id} reads records of version ${rangeOf(records)}: run the newer program's command`] : []),
    ...alarms,
  ];
}

const BETWEEN = "do not leave out the version between that speaks both";

/** Nobody could follow who stops: requests would wait for it to come back. */
function heirless(pool: string, primary: string, nodes: readonly NodeVersions[]): readonly string[] {
  const others = nodes.filter(({ id, kind, problem }) => id !== primary && kind === "host" && problem === null);
  const reasons = others.map(({ id, pools }) => ({ id, reason: unfitReason(pools, pool) }));
  if (reasons.some(({ reason }) => reason === null)) return [];
  const told = reasons.map(({ id, reason }) => `${id} ${reason}`).join(", ");
  return [`nobody could take over pool ${pool} from ${primary}${told === "" ? "" : `: ${told}`}`];
}

function unfitReason(pools: NodeVersions["pools"], pool: string): string | null {
  const report = pools.find((entry) => entry.pool === pool);
  if (!report) return "does not have it yet";
  return report.unfit ?? (report.role === "standby" ? null : `is ${report.role}`);
}
