/** Whether all nodes have the same configuration, and what is allowed in it but not wise. Pure. */
import type { Config } from "../../../shared/config/config.ts";
import { formatDuration } from "../../../shared/config/duration.ts";
import { isLoopback, isWildcard } from "../../../shared/config/parse-address.ts";
import { answering, type Facts } from "./facts.ts";
import { ok, warning, wrong, type Finding } from "./finding.ts";

const SUBJECT = "configuration";

export function configurationFindings(facts: Facts): readonly Finding[] {
  const { config } = facts;
  return [
    ...copies(facts),
    ...files(facts),
    ...machines(config),
    ...candidates(config),
    ...proxies(config),
    ...parking(config),
  ];
}

function copies(facts: Facts): readonly Finding[] {
  const { config, status } = facts;
  const told = [
    ...answering(facts).map(({ host, report }) => ({ id: host.id, hash: report.configHash })),
    ...status.proxies.flatMap(({ id, configHash }) => (configHash === null ? [] : [{ id, hash: configHash }])),
  ];
  const others = told.filter(({ hash }) => hash !== config.hash).map(({ id }) => id);
  if (others.length === 0)
    return [ok(SUBJECT, `${config.file} is right${told.length > 0 ? `, and that of ${told.length} nodes` : ""}`)];
  const mend = "hotspare config diff says what differs; copy the right one to all machines";
  return [wrong(SUBJECT, `${others.join(", ")} run with another configuration than ${config.file}`, mend)];
}

/** What a node would start with next, beside what it runs with. */
function files(facts: Facts): readonly Finding[] {
  const nodes = [...answering(facts).map(({ host, report }) => ({ id: host.id, ...report })), ...facts.status.proxies];
  return nodes.flatMap(({ id, configProblem = null, pendingRestart = [] }) => [
    ...(configProblem === null
      ? []
      : [
          wrong(
            SUBJECT,
            `the file of ${id} is not right: ${configProblem}`,
            "mend it: that node would not start again",
          ),
        ]),
    ...(pendingRestart.length === 0
      ? []
      : [warning(SUBJECT, `${id} waits for a restart: ${pendingRestart.join(", ")}`, `restart ${id}`)]),
  ]);
}

/** Loopback is one machine, whichever name of it stands there. */
const machineOf = (name: string): string => (isLoopback(name) ? "loopback" : name);

function machines({ hosts, proxies }: Config): readonly Finding[] {
  const ofHosts = new Set(hosts.filter(({ candidate }) => candidate).map(({ control }) => machineOf(control.host)));
  const reached = proxies.map(({ gossip, advertise }) => (isWildcard(advertise) ? gossip : advertise));
  const ofProxies = new Set(reached.map(({ host }) => machineOf(host)));
  const mend = "give each a machine of its own where that matters";
  return [
    ...(hosts.length > 1 && ofHosts.size === 1
      ? [warning(SUBJECT, "all hosts that may serve are on one machine: when it dies, nobody takes over", mend)]
      : []),
    ...(proxies.length > 1 && ofProxies.size === 1
      ? [warning(SUBJECT, "all proxies are on one machine: when it dies, there is no way in", mend)]
      : []),
  ];
}

function candidates({ hosts }: Config): readonly Finding[] {
  const able = hosts.filter(({ candidate }) => candidate).map(({ id }) => id);
  if (able.length > 1) return [];
  const mend = "add a host, or take candidate: false from one";
  return [warning(SUBJECT, `only ${able.join()} may serve: nobody can take over`, mend)];
}

function proxies({ proxies: all }: Config): readonly Finding[] {
  if (all.length > 1) return [];
  const text = all.length === 0 ? "there is no proxy" : "there is one proxy: it is the only way in, and decides alone";
  return [warning(SUBJECT, text, "run three on three machines; docs/operations.md says why")];
}

function parking({ pools, takeover }: Config): readonly Finding[] {
  const short = pools.filter(({ park }) => park.waitMs < takeover.timeoutMs);
  return short.map(({ id, park }) => {
    const [wait, timeout] = [formatDuration(park.waitMs), formatDuration(takeover.timeoutMs)];
    const text = `pool ${id}: requests wait ${wait} (park.wait), but a takeover may take ${timeout} (takeover.timeout)`;
    return warning(SUBJECT, text, "set park.wait to more than takeover.timeout");
  });
}
