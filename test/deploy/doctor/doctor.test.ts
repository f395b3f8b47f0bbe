import { describe, expect, test } from "vitest";
import { findingsText } from "../../../deploy/cli/commands/doctor.ts";
import { diagnose } from "../../../deploy/cli/doctor/doctor.ts";
import type { Facts } from "../../../deploy/cli/doctor/facts.ts";
import type { Finding } from "../../../deploy/cli/doctor/finding.ts";
import { NO_DECISIONS } from "../../../shared/revisions/decisions.ts";
import { config, facts, primary, report, seen, standby, withStandby } from "./example-facts.ts";

const found = (of: Facts): readonly Finding[] => diagnose(of).filter(({ level }) => level !== "ok");
const well = facts();
const { status } = well;
const proxyIs = (more: object): Facts =>
  facts({ status: { ...status, proxies: [status.proxies[0]!, { ...status.proxies[1]!, ...more }] } });
const vaultIs = (more: Partial<typeof seen>): Facts => facts({ vault: { ...seen, ...more } });
const mountIs = (type: string, ...options: string[]): Facts => vaultIs({ mount: { ...seen.mount, type, options } });
const configIs = (more: Partial<Facts["config"]>): Facts => facts({ config: { ...well.config, ...more } });
const unseen = (code: string): Facts["vault"] => ({
  seen: false,
  directory: "/vault",
  code,
  reason: "it is not right",
});
const YEARS_AGO = 1_600_000_000_000;
const decided = { by: "ann", atMs: YEARS_AGO, reason: "disks" };

test("a cluster in which all is well has no finding that is not ok", () => {
  expect(found(well)).toEqual([]);
  expect(diagnose(well).length).toBeGreaterThan(10);
});

type Row = readonly [what: string, facts: Facts, level: Finding["level"], text: RegExp, stays?: boolean];

const rows: readonly Row[] = [
  [
    "a host with another configuration",
    withStandby({ report: report({ configHash: "x" }) }),
    "error",
    /^host-b run with another/,
    true,
  ],
  ["a proxy with another configuration", proxyIs({ configHash: "x" }), "error", /^proxy-2 run with another/, true],
  [
    "a host whose file is not right",
    withStandby({ report: report({ configProblem: "line 3: no" }) }),
    "error",
    /the file of host-b is not right: line 3/,
    true,
  ],
  [
    "a host that waits for a restart",
    withStandby({ report: report({ pendingRestart: ["vault.directory"] }) }),
    "warning",
    /host-b waits for a restart: vault\.directory/,
  ],
  ["a proxy whose file is not right", proxyIs({ configProblem: "line 3: no" }), "error", /the file of proxy-2/, true],
  ["a proxy that waits for a restart", proxyIs({ pendingRestart: ["x"] }), "warning", /proxy-2 waits for a restart/],
  [
    "hosts on one machine",
    configIs({ hosts: config.hosts.map((host) => ({ ...host, control: config.hosts[0]!.control })) }),
    "warning",
    /all hosts that may serve are on one machine/,
  ],
  [
    "proxies on one machine",
    configIs({ proxies: config.proxies.map((proxy) => ({ ...proxy, advertise: config.proxies[0]!.advertise })) }),
    "warning",
    /all proxies are on one machine/,
  ],
  ["a single proxy", configIs({ proxies: config.proxies.slice(0, 1) }), "warning", /one proxy/],
  [
    "one candidate of two hosts",
    configIs({ hosts: config.hosts.map((host, n) => ({ ...host, candidate: n === 0 })) }),
    "warning",
    /only host-a may serve/,
  ],
  [
    "requests that wait shorter than a takeover may last",
    configIs({ takeover: { timeoutMs: 60_000 } }),
    "warning",
    /park\.wait.*takeover may take 1m/,
  ],
  [
    "a secret that others may read",
    facts({ secret: { ...well.secret, trouble: "its mode is 0644", keys: 0 } }),
    "error",
    /0644/,
    true,
  ],
  ["a rotation that is not finished", facts({ secret: { ...well.secret, keys: 2 } }), "warning", /2 keys/],
  [
    "a rotation that is not finished on another machine",
    withStandby({ report: report({ keys: ["1".repeat(16), "2".repeat(16)] }) }),
    "warning",
    /host-b accept more than one key/,
  ],
  [
    "certificates that cannot be used",
    facts({ tls: [{ section: "control", trouble: "no such file", concerns: [], openKey: null }] }),
    "error",
    /no such file/,
    true,
  ],
  [
    "a certificate that expires soon",
    facts({ tls: [{ section: "public", trouble: null, concerns: ["it expires"], openKey: null }] }),
    "warning",
    /it expires/,
  ],
  [
    "a private key that others may read",
    facts({ tls: [{ section: "public", trouble: null, concerns: [], openKey: "/k" }] }),
    "warning",
    /may read \/k/,
  ],
  [
    "another version of the program",
    withStandby({ report: report({ version: "0.2.0" }) }),
    "warning",
    /0\.1\.0 \(host-a, .*0\.2\.0 \(host-b\)/,
  ],
  [
    "another Node.js on a host",
    withStandby({ report: report({ node: "25.0.0" }) }),
    "warning",
    /Node\.js: 24.*25\.0\.0 \(host-b\)/,
  ],
  ["no protocol in common", proxyIs({ protocol: "speaks protocol 2 to 2" }), "warning", /proxy-2 speaks/],
  [
    "a stopped host",
    withStandby({ report: null, clock: null, reason: "refused" }),
    "error",
    /host-b does not answer at 10\.0\.0\.2:7101: refused/,
  ],
  [
    "a stranger at a host's port",
    withStandby({ report: null, clock: null, reason: "401", stranger: "host-x answers" }),
    "error",
    /10\.0\.0\.2:7101 host-x answers/,
    true,
  ],
  [
    "a host whose data address is blocked",
    withStandby({ unreached: "timeout" }),
    "error",
    /7100 \(listen\) takes no connection: timeout/,
  ],
  [
    "a proxy that is gone",
    facts({ proxies: [{ ...well.proxies[0]!, refused: "refused", unreached: "refused" }] }),
    "error",
    /proxy-1 does not answer/,
  ],
  [
    "a proxy that refuses messages",
    facts({ proxies: [{ ...well.proxies[0]!, refused: "another secret" }] }),
    "error",
    /\(gossip\) takes no message: another secret/,
  ],
  [
    "another proxy at the own admin address",
    facts({ status: { ...status, proxies: [{ ...status.proxies[0]!, reason: "it is proxy-2" }] } }),
    "error",
    /admin address.*it is proxy-2/,
  ],
  ["a clock in quarantine", proxyIs({ quarantined: "2 s ahead" }), "warning", /proxy-2 distrusts its clock/],
  [
    "two clocks that differ",
    facts({ status: { ...status, clockDispute: "the clock of a" } }),
    "warning",
    /the clock of a/,
  ],
  ["a clock that is off", withStandby({ clock: { offsetMs: -900, errorMs: 5 } }), "warning", /host-b is 900 ms behind/],
  [
    "a clock that is far off",
    withStandby({ clock: { offsetMs: 60_000, errorMs: 5 } }),
    "error",
    /60000 ms ahead.*refused/,
  ],
  ["a foreign vault", facts({ vault: unseen("HS_VAULT_FOREIGN"), own: new Set() }), "error", /it is not right/, true],
  [
    "a vault that is not mounted on a host's machine",
    facts({ vault: unseen("HS_VAULT_MISSING") }),
    "error",
    /it is not right/,
    true,
  ],
  ["a vault that hangs", facts({ vault: unseen("HS_VAULT_IO"), own: new Set() }), "error", /it is not right/],
  [
    "a vault that a proxy's machine does not see",
    facts({ vault: unseen("HS_VAULT_MISSING"), own: new Set(["proxy-1"]) }),
    "warning",
    /not looked at from here/,
  ],
  ["a share without hard links", vaultIs({ unfit: "of 8 racers 2 won" }), "error", /racers/],
  ["a soft NFS mount", mountIs("nfs4", "soft"), "warning", /mounted soft/],
  ["an NFS mount that does not look anew", mountIs("nfs", "nocto"), "warning", /nocto/],
  ["a loosely cached share", mountIs("cifs", "cache=loose"), "warning", /cached without asking/],
  ["a disk whose cache is not flushed", mountIs("ext4", "nobarrier"), "warning", /does not flush/],
  ["a vault in memory", mountIs("tmpfs"), "warning", /loss of power/],
  ["cleaning too soon on a share", configIs({ cleanDelayMs: 60_000 }), "warning", /cleanDelay is 60 s/],
  ["no room", vaultIs({ space: { freeBytes: 1e6, freeInodes: 1e6 } }), "error", /writes are refused/],
  ["no inodes", vaultIs({ space: { freeBytes: 1e12, freeInodes: 10 } }), "error", /writes are refused/],
  ["little room", vaultIs({ space: { freeBytes: 5e8, freeInodes: 1e6 } }), "warning", /only 476/],
  [
    "an old checkpoint",
    vaultIs({ pools: [{ ...seen.pools[0]!, checkpointMs: YEARS_AGO }] }),
    "warning",
    /40 records are after it/,
  ],
  [
    "a damaged journal",
    vaultIs({ pools: [{ ...seen.pools[0]!, broken: "Record 3 is invalid" }] }),
    "error",
    /Record 3/,
    true,
  ],
  [
    "a host on another vault",
    withStandby({ report: report({ vaultId: "6".repeat(32) }) }),
    "error",
    /host-b is on the vault 666/,
    true,
  ],
  [
    "a host that cannot write",
    withStandby({ report: report({ probe: { ok: false, ageMs: 9000, latencyMs: 1 } }) }),
    "error",
    /host-b has not written to the vault for 9000/,
  ],
  [
    "a slow share",
    withStandby({ report: report({ probe: { ok: true, ageMs: 10, latencyMs: 400 } }) }),
    "warning",
    /in 400\.0 ms/,
  ],
  [
    "a host whose writes do not show here",
    vaultIs({ hints: [seen.hints[0]!, { host: "host-b", moves: false, lateMs: null }] }),
    "error",
    /nothing of it is seen/,
  ],
  [
    "a host whose writes show late",
    vaultIs({ hints: [seen.hints[0]!, { host: "host-b", moves: true, lateMs: 3000 }] }),
    "warning",
    /after 3000 ms/,
  ],
  [
    "a pool that nobody serves",
    facts({ status: { ...status, pools: [{ ...status.pools[0]!, state: "waiting" }] } }),
    "error",
    /main is not served: it is waiting/,
  ],
  [
    "a primary that proxies distrust",
    facts({ status: { ...status, pools: [{ ...status.pools[0]!, trouble: "1 of 2" }] } }),
    "warning",
    /would depose host-a: 1 of 2/,
  ],
  [
    "nobody who could take over",
    withStandby({ report: report({}, { unfit: "an older schema" }) }),
    "error",
    /nobody could take it over/,
  ],
  [
    "a standby that is not fit",
    withStandby({ report: report({}, { unfit: "an older schema" }) }),
    "warning",
    /an older schema/,
  ],
  [
    "a standby with an alarm",
    withStandby({ report: report({}, { alarm: "HS_POOL_STUCK" }) }),
    "error",
    /stopped: HS_POOL_STUCK/,
  ],
  ["a standby far behind", withStandby({ report: report({}, { lagMs: 60_000 }) }), "warning", /60 s ago/],
  [
    "a main thread that stands still",
    withStandby({ report: report({ mainTickAgeMs: 4000 }) }),
    "warning",
    /has not ticked for 4000 ms/,
  ],
  [
    "maintenance that was forgotten",
    facts({ decisions: { ...NO_DECISIONS, maintenance: { ...decided, untilMs: null } } }),
    "warning",
    /maintenance since/,
  ],
  [
    "a host that was forgotten",
    facts({ decisions: { ...NO_DECISIONS, offline: [{ node: "host-b", ...decided, last: false }] } }),
    "warning",
    /host-b is offline since .* by ann/,
  ],
];

describe("finds", () => {
  test.each(rows.map(([what, ...row]) => ({ what, row })))(
    "$what",
    ({ row: [spoiled, level, text, stays = false] }) => {
      const hits = found(spoiled).filter((finding) => text.test(finding.text));
      expect(hits).toEqual([expect.objectContaining({ level, stays, mend: expect.stringMatching(/./) })]);
    },
  );
});

describe("who was taken out by an operator", () => {
  const outside = (node: string) => ({
    ...NO_DECISIONS,
    offline: [{ node, by: "ann", atMs: well.wallMs - 1000, reason: "disks", last: false }],
  });

  test("is no error though it does not answer: its machine may be off", () => {
    const host = withStandby({ report: null, clock: null, reason: "refused", unreached: "refused" });
    const proxies = [well.proxies[0]!, { ...well.proxies[1]!, refused: "refused", unreached: "refused" }];
    expect(found({ ...host, decisions: outside("host-b") }).filter(({ subject }) => subject === "listeners")).toEqual(
      [],
    );
    expect(found(facts({ proxies, decisions: outside("proxy-2") }))).toEqual([]);
    const texts = diagnose(facts({ proxies, decisions: outside("proxy-2") })).map(({ text }) => text);
    expect(texts).toContain("proxy-2 does not answer as it should: taken offline by ann: disks");
  });

  test("cannot take over, and it is said how that is mended", () => {
    const [nobody] = found(facts({ decisions: outside("host-b") }));
    expect(nobody).toMatchObject({ level: "error", text: expect.stringMatching(/nobody could take it over/) });
    expect(nobody?.mend).toContain("node online");
  });
});

test("errors come first, and a name from elsewhere cannot move the cursor", () => {
  const spoiled = facts({ hosts: [primary, { ...standby, report: null, reason: "\u001B[2Jgone" }] });
  const text = findingsText(diagnose(spoiled), false);
  expect(text).toMatch(/^error/);
  expect(text).not.toContain("\u001B");
});
