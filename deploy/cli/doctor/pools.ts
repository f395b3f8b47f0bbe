/** Whether each pool is served and somebody could take it over; and what operators have left as it is for long. Pure. */
import type { PoolConfig } from "../../../shared/config/config.ts";
import { unfitnessOf, vaultTroubleOf } from "../../../shared/fitness.ts";
import { exclusionOf, maintenanceAt } from "../../../shared/revisions/decisions.ts";
import { wallText } from "../wall-text.ts";
import { answering, type Facts } from "./facts.ts";
import { failing, ok, orWell, warning, type Finding } from "./finding.ts";

const SUBJECT = "pools";
const FAR_BEHIND_MS = 5000;
const STALLED_MS = 1000;
const LONG_MS = 24 * 3_600_000;

export function poolFindings(facts: Facts): readonly Finding[] {
  const pools = facts.config.pools.flatMap((pool) => [
    ...served(pool, facts),
    ...orWell(standbys(pool, facts), SUBJECT, `pool ${pool.id}: others could take it over`),
  ]);
  return [...pools, ...stalled(facts), ...leftAlone(facts)];
}

function served({ id }: PoolConfig, { status }: Facts): readonly Finding[] {
  const pool = status.pools.find((one) => one.id === id);
  if (pool?.state === "serving") {
    const trouble = pool.trouble ?? null;
    const text = `pool ${id}: proxies would depose ${pool.primary}: ${trouble}`;
    return trouble === null
      ? [ok(SUBJECT, `pool ${id}: ${pool.primary} serves it in epoch ${pool.epoch}`)]
      : [warning(SUBJECT, text, "hotspare status, and the log of that proxy")];
  }
  const text = `pool ${id} is not served: it is ${pool?.state ?? "unknown to the nodes"}`;
  return [
    failing(SUBJECT, text, "hotspare failover --dry-run says who could serve it; docs/operations.md, No primary"),
  ];
}

interface Behind {
  readonly host: string;
  readonly unfit: string | null;
  readonly alarm: string | null;
  readonly lagMs: number;
}

function standbys({ id }: PoolConfig, facts: Facts): readonly Finding[] {
  const { config } = facts;
  const rules = { pool: id, vaultId: config.vault.id };
  const others = answering(facts).flatMap(({ host, report }): Behind[] => {
    const entry = report.pools.find(({ pool }) => pool === id);
    if (!host.candidate || entry?.serving === true || exclusionOf(facts.decisions, host.id) !== null) return [];
    const unfit = unfitnessOf(report, rules) ?? vaultTroubleOf(report, config.health.storageMs);
    return [{ host: host.id, unfit, alarm: entry?.alarm ?? null, lagMs: entry?.lagMs ?? 0 }];
  });
  const several = config.hosts.filter(({ candidate }) => candidate).length > 1;
  const nobody = several && !others.some(({ unfit }) => unfit === null);
  return [
    ...(nobody
      ? [
          failing(
            SUBJECT,
            `pool ${id}: nobody could take it over now`,
            "start or mend another host, or bring one back: hotspare node online",
          ),
        ]
      : []),
    ...others.flatMap((other) => standby(id, other)),
  ];
}

function standby(pool: string, { host, unfit, alarm, lagMs }: Behind): readonly Finding[] {
  if (alarm !== null)
    return [
      failing(
        SUBJECT,
        `pool ${pool}: ${host} is stopped: ${alarm}`,
        "docs/errors.md explains the code; its log has more",
      ),
    ];
  if (unfit !== null)
    return [
      warning(
        SUBJECT,
        `pool ${pool}: ${host} could not take over: ${unfit}`,
        "docs/operations.md, When something happens",
      ),
    ];
  if (lagMs <= FAR_BEHIND_MS) return [];
  const text = `pool ${pool}: ${host} was last at the head of the journal ${Math.round(lagMs / 1000)} s ago`;
  return [warning(SUBJECT, text, "look at its share and its load: a takeover would wait until it has caught up")];
}

function stalled(facts: Facts): readonly Finding[] {
  return answering(facts)
    .filter(({ report }) => report.mainTickAgeMs > STALLED_MS)
    .map(({ host, report }) => {
      const text = `the main thread of ${host.id} has not ticked for ${Math.round(report.mainTickAgeMs)} ms`;
      return warning(SUBJECT, text, "look for long statements or loops in the application");
    });
}

function leftAlone({ decisions, wallMs, config }: Facts): readonly Finding[] {
  const maintenance = maintenanceAt(decisions, wallMs);
  const known = new Set([...config.hosts, ...config.proxies].map(({ id }) => id as string));
  const out = decisions.offline.filter(({ node, atMs }) => known.has(node) && wallMs - atMs > LONG_MS);
  return [
    ...(maintenance !== null && wallMs - maintenance.atMs > LONG_MS
      ? [
          warning(
            "operations",
            `maintenance since ${wallText(maintenance.atMs)}: nothing fails over by itself`,
            "end it",
          ),
        ]
      : []),
    ...out.map(({ node, atMs, by }) =>
      warning("operations", `${node} is offline since ${wallText(atMs)}, by ${by}`, "bring it back, or remove it"),
    ),
  ];
}
