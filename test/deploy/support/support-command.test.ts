/** `hotspare support` where a key and a password have got into whatever it collects. */
import { execFileSync } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../shared/system-clock.ts";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { hotspare, type Shown } from "../console.ts";

const folder = temporaryFolder();
const file = join(folder, "hotspare.yaml");
let server: Server;
let key = "";

const forms = (): readonly string[] => {
  const bytes = Buffer.from(key, "hex");
  return [key, key.toUpperCase(), bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url"), "hunter2"];
};
const leak = (): string => `${key} ${Buffer.from(key, "hex").toString("base64")} password=hunter2`;

/** A proxy that tells the key wherever it can. */
function answerOf(path: string): string {
  const pool = {
    id: "main",
    state: "serving",
    epoch: 1,
    primary: "host-a",
    slot: 1,
    standbys: [],
    parked: 0,
    trouble: leak(),
  };
  const note = { number: 1, atMs: 1_700_000_000_000, type: "ordered", pool: "main", host: "host-a", cause: leak() };
  const told: Readonly<Record<string, string>> = {
    "/api/v1/status": JSON.stringify({ cluster: "demo", self: "proxy-1", pools: [pool], hosts: [] }),
    "/api/v1/events": JSON.stringify({ cluster: "demo", self: "proxy-1", events: [note] }),
    "/metrics": `leaky{label="${leak()}"} 1\n`,
  };
  return told[path] ?? "{}";
}

beforeAll(async () => {
  server = createServer((request, response) => response.end(answerOf(request.url ?? "")));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  const { port } = server.address() as AddressInfo;
  const lines = [
    "cluster: demo",
    "secret: { file: cluster.key }",
    "vault: { directory: ./vault }",
    `proxies: [{ id: proxy-1, listen: "127.0.0.1:60300", admin: "127.0.0.1:${port}" }]`,
    'hosts: [{ id: host-a, listen: "127.0.0.1:1", control: "127.0.0.1:2", data: ./data }]',
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  expect(await hotspare(["init", "--yes", "--config", file])).toMatchObject({ code: 0 });
  key = readFileSync(join(folder, "cluster.key"), "utf8").trim();
  mkdirSync(join(folder, "logs"));
  writeFileSync(
    join(folder, "logs/host-a.log"),
    `{"msg":"${leak()}","authorization":"Bearer hunter2hunter2"}\nlast line\n`,
  );
  writeFileSync(join(folder, "logs/other.txt"), "not a log");
  writeFileSync(join(folder, "vault", `${key}.txt`), leak());
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const support = (...args: string[]): Promise<Shown> =>
  hotspare(["support", "--config", file, ...args], { clock: systemClock, env: process.env });

test("no secret is in it, whoever told it; what could not be collected says so", async () => {
  const to = join(folder, "bundle");
  const { code, out } = await support("--to", to);
  expect([code, out]).toEqual([0, expect.stringContaining("Look through it before you send it")]);
  const names = globSync("**/*", { cwd: to }).filter((name) => statSync(join(to, name)).isFile());
  const texts = new Map(names.map((name) => [name, readFileSync(join(to, name), "utf8")]));
  const all = [...texts.values()].join("\n");
  expect(forms().filter((form) => all.includes(form))).toEqual([]);
  for (const name of ["status.json", "events.ndjson", "metrics-proxy-1.txt", "vault-files.txt", "logs/host-a.log"])
    expect(texts.get(name), name).toContain("[redacted]");
  expect(texts.get("logs/host-a.log")).toContain("last line");
  expect(texts.get("metrics-host-a.txt")).toMatch(/^not collected: .*ECONNREFUSED/);
  expect(texts.get("configuration.json")).toContain(join(folder, "cluster.key"));
  expect(texts.get("doctor.json")).toContain('"findings"');
  expect(texts.get("history-main.json")).toContain('"fences"');
  expect(names).not.toContain("logs/other.txt");
  expect(statSync(to).mode & 0o077).toBe(0);
});

test("an archive has the same files, is its owner's alone, and replaces nothing", async () => {
  const to = join(folder, "bundle.tgz");
  const other = join(folder, "other-logs");
  mkdirSync(other);
  writeFileSync(join(other, "proxy-1.log"), "x\n");
  const taken = await support("--to", to);
  expect(taken).toMatchObject({ code: 64, err: expect.stringContaining("is there already") });
  const fresh = join(folder, "fresh.tar.gz");
  const { code, out } = await support("--to", fresh, "--logs", other, "--json");
  expect([code, JSON.parse(out)]).toMatchObject([0, { path: fresh, unpacked: null }]);
  const listed = execFileSync("tar", ["-tzf", fresh], { encoding: "utf8" }).split("\n");
  expect(listed).toEqual(expect.arrayContaining(["fresh/status.json", "fresh/logs/proxy-1.log"]));
  expect(statSync(fresh).mode & 0o077).toBe(0);
  expect(globSync("fresh*", { cwd: folder })).toEqual(["fresh.tar.gz"]);
});

test("a place that cannot be written, and logs that are not there, are errors", async () => {
  expect(await support("--to", "/proc/none/bundle")).toMatchObject({
    code: 73,
    err: expect.stringContaining("HS_OUTPUT_UNWRITABLE"),
  });
  const { code, err } = await support("--to", join(folder, "never"), "--logs", join(folder, "absent"));
  expect([code, err]).toEqual([64, expect.stringContaining("absent")]);
});
