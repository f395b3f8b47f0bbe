/** Whether each node answers where the configuration says, and is who it should be. Pure. */
import { formatAddress } from "../../../shared/config/config.ts";
import { exclusionOf } from "../../../shared/revisions/decisions.ts";
import type { Facts, HostFacts, ProxyFacts } from "./facts.ts";
import { failing, ok, orWell, wrong, type Finding } from "./finding.ts";

const SUBJECT = "listeners";

export function listenerFindings(facts: Facts): readonly Finding[] {
  const hosts = facts.hosts.map((one) => ({ id: one.host.id, found: hostFindings(one) }));
  const proxies = facts.proxies.map((one) => ({ id: one.proxy.id, found: proxyFindings(one, facts) }));
  return [...hosts, ...proxies].flatMap(({ id, found }) => {
    const excluded = exclusionOf(facts.decisions, id);
    // Whoever took it out may have stopped it, or its machine.
    if (excluded !== null && found.length > 0) return [ok(SUBJECT, `${id} does not answer as it should: ${excluded}`)];
    return orWell(found, SUBJECT, `${id} answers`);
  });
}

function hostFindings({ host, report, reason, stranger, unreached }: HostFacts): readonly Finding[] {
  const { id, control, advertise } = host;
  const at = formatAddress(control);
  if (report === null && stranger !== null) {
    const text = `${id}: at its control address ${at} ${stranger}: ${reason}`;
    return [
      wrong(SUBJECT, text, `stop what listens there, or give ${id} another control address; compare the secrets`),
    ];
  }
  if (report === null)
    return [
      failing(SUBJECT, `${id} does not answer at ${at}: ${reason}`, `start it, and look at its log; else ${FIREWALL}`),
    ];
  if (unreached === null) return [];
  return [failing(SUBJECT, `${id}: ${formatAddress(advertise)} (listen) takes no connection: ${unreached}`, FIREWALL)];
}

const FIREWALL = "look for what blocks the port between the machines";

function proxyFindings({ proxy, refused, unreached }: ProxyFacts, { own, status }: Facts): readonly Finding[] {
  const { id, gossip, advertise } = proxy;
  if (refused !== null && unreached !== null)
    return [failing(SUBJECT, `${id} does not answer: ${refused}`, `start it, and look at its log; else ${FIREWALL}`)];
  const admin = own.has(id) ? (status.proxies.find((one) => one.id === id)?.reason ?? null) : null;
  return [
    ...(refused === null
      ? []
      : [failing(SUBJECT, `${id}: ${formatAddress(gossip)} (gossip) takes no message: ${refused}`, STRANGER)]),
    ...(unreached === null
      ? []
      : [failing(SUBJECT, `${id}: ${formatAddress(advertise)} (listen) takes no connection: ${unreached}`, FIREWALL)]),
    ...(admin === null ? [] : [failing(SUBJECT, `${id}: its admin address does not answer as it: ${admin}`, STRANGER)]),
  ];
}

const STRANGER = "look which process listens there; compare secret, cluster and certificates";
