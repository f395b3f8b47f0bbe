/** Whether all nodes run the same program on the same Node.js. Pure. */
import { answering, type Facts } from "./facts.ts";
import { orWell, warning, type Finding } from "./finding.ts";

interface Said {
  readonly id: string;
  readonly version: string;
}

export function versionFindings(facts: Facts): readonly Finding[] {
  const { status, version, runtime } = facts;
  const hosts = answering(facts);
  const programs = [
    ...hosts.map(({ host, report }) => ({ id: host.id, version: report.version })),
    ...status.proxies.flatMap(({ id, version: said }) => (said === null ? [] : [{ id, version: said }])),
  ];
  const runtimes = hosts.flatMap(({ host, report }) =>
    report.node === undefined ? [] : [{ id: host.id, version: report.node }],
  );
  const common = [...status.hosts, ...status.proxies].flatMap(({ id, protocol }) =>
    protocol === null || protocol === undefined
      ? []
      : [warning("versions", `${id} ${protocol}`, "update the older one")],
  );
  return orWell(
    [
      ...common,
      ...differing("hotspare", { id: "this command", version }, programs, "finish the update, node by node"),
      ...differing("Node.js", { id: "this command", version: runtime }, runtimes, "use the same one on all hosts"),
    ],
    "versions",
    `hotspare ${version}, Node.js ${runtime}`,
  );
}

function differing(what: string, own: Said, said: readonly Said[], mend: string): readonly Finding[] {
  const all = [...said, own];
  const versions = [...new Set(all.map(({ version }) => version))].toSorted();
  if (versions.length === 1) return [];
  const shares = versions.map((version) => {
    const ids = all.filter((one) => one.version === version).map(({ id }) => id);
    return `${version} (${ids.join(", ")})`;
  });
  return [warning("versions", `different versions of ${what}: ${shares.join("; ")}`, mend)];
}
