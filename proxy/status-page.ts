/** The plain status page: one table each, no script, no assets, fetched anew every two seconds by the browser. */
import type { ProxyStatus } from "./proxy-status.ts";

const REFRESH_S = 2;

export function statusPage(status: ProxyStatus, self: string): string {
  const pools = status.pools.map(({ id, state, epoch, primary, slot, standbys, parked, trouble }) => [
    id,
    state,
    epoch,
    primary ?? "none",
    slot ?? "",
    standbys.map(({ host, slot, lagMs }) => `${host} (slot ${slot}, ${Math.round(lagMs)} ms behind)`).join(", "),
    parked,
    trouble ?? "",
  ]);
  const hosts = status.hosts.map((host) => [
    host.id,
    host.reason === null ? host.health : `${host.health} (${host.reason})`,
    host.role ?? "not heard",
    host.version ?? "",
    clockText(host),
    [...remarksOn(host), ...host.alarms].join("; "),
  ]);
  const proxies = status.proxies.map((proxy) => [
    proxy.id,
    proxy.reason === null ? proxy.health : `${proxy.health} (${proxy.reason})`,
    proxy.agrees === null ? "not heard" : proxy.agrees ? "yes" : "no",
    proxy.version ?? "",
    clockText(proxy),
    remarksOn(proxy).join("; "),
  ]);
  const dispute = status.clockDispute === null ? "" : `<p>${escape(status.clockDispute)}.</p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="${REFRESH_S}">
<title>${escape(status.cluster)}: Hotspare</title>
<style>body{font:15px system-ui,sans-serif;margin:2rem}table{border-collapse:collapse;margin:0 0 2rem}
th,td{border-bottom:1px solid #ccc;padding:.3rem 1rem .3rem 0;text-align:left}</style></head><body>
<h1>Cluster ${escape(status.cluster)}</h1><p>As ${escape(self)} sees it.</p>${maintenanceLine(status)}
<h2>Pools</h2>${table(["pool", "state", "epoch", "primary", "slot", "standbys", "parked", "remarks"], pools)}
<h2>Hosts</h2>${table(["host", "health", "role", "version", "clock, ms", "remarks"], hosts)}
<h2>Proxies</h2>${table(["proxy", "health", "agrees", "version", "clock, ms", "remarks"], proxies)}
<p>Clocks: how far they are ahead of that of ${escape(self)}.</p>${dispute}
</body></html>
`;
}

function maintenanceLine({ maintenance }: ProxyStatus): string {
  if (maintenance === null) return "";
  const { by, reason, untilMs } = maintenance;
  const end = untilMs === null ? "" : ` until ${new Date(untilMs).toISOString()}`;
  return `\n<p><strong>Maintenance${end}</strong> by ${escape(by)}: ${escape(reason)}. Nobody takes over by itself.</p>`;
}

type Node = ProxyStatus["hosts"][number] | ProxyStatus["proxies"][number];

const clockText = ({ clockOffsetMs, clockErrorMs }: Node): string =>
  clockOffsetMs === null || clockErrorMs === null ? "" : `${clockOffsetMs.toFixed(1)} ± ${clockErrorMs.toFixed(1)}`;

const remarksOn = ({ quarantined, protocol, offline, configProblem, pendingRestart }: Node): readonly string[] => [
  ...(offline === null ? [] : [offline]),
  ...(quarantined === null ? [] : [`in quarantine: ${quarantined}`]),
  ...(protocol === null ? [] : [protocol]),
  ...(configProblem === null ? [] : [`its configuration file is not right: ${configProblem}`]),
  ...(pendingRestart.length === 0 ? [] : [`needs a restart for ${pendingRestart.join(", ")}`]),
];

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const head = heads.map((text) => `<th>${escape(text)}</th>`).join("");
  const body = rows
    .map((row) => `<tr>${row.map((cell) => `<td>${escape(String(cell))}</td>`).join("")}</tr>`)
    .join("\n");
  return `<table><tr>${head}</tr>\n${body}</table>`;
}

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
