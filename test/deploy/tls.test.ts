/** The command line where the nodes have TLS: what it needs of this machine, and what it says of who is not trusted. */
import { createServer, type Server } from "node:https";
import { readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import type { TlsFiles } from "../../shared/config/config.ts";
import { Authority } from "../certificates.ts";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { hotspare } from "./console.ts";

const folder = temporaryFolder();
const ours = new Authority("ours");
const theirs = new Authority("theirs");
const machine = ours.issue("machine");
afterAll(() => [ours, theirs].forEach((authority) => authority.remove()));

let server: Server | null = null;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
  server = null;
});

/** A proxy's admin listener, which takes only clients of its CA. */
async function admin({ cert, key }: TlsFiles): Promise<number> {
  const shown = { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ours.ca) };
  const pool = { id: "main", state: "serving", epoch: 1, primary: "host-a", slot: 1, standbys: [], parked: 0 };
  server = createServer({ ...shown, requestCert: true, rejectUnauthorized: true }, (_, response) =>
    response.end(JSON.stringify({ cluster: "demo", pools: [pool], hosts: [] })),
  );
  await new Promise((resolve) => server?.listen(0, "127.0.0.1", () => resolve(null)));
  return (server.address() as AddressInfo).port;
}

function configOf(port: number, tls: string): string {
  const file = join(folder, "hotspare.yaml");
  const lines = [
    "cluster: demo",
    "secret: { env: SECRET }",
    "vault: { directory: ./vault }",
    `proxies: [{ id: proxy-1, listen: "127.0.0.1:8080", admin: "127.0.0.1:${port}" }]`,
    'hosts: [{ id: host-a, listen: "127.0.0.1:1", control: "127.0.0.1:2", data: ./data }]',
    `tls: { admin: ${tls} }`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

const yamlOf = ({ cert, key, ca }: TlsFiles): string => `{ cert: "${cert}", key: "${key}", ca: "${ca}" }`;
const status = (file: string) => hotspare(["status", "--json", "--config", file]);

test("status asks by TLS, with this machine's certificate", async () => {
  const { code, out } = await status(configOf(await admin(machine), yamlOf(machine)));
  expect([code, JSON.parse(out)]).toMatchObject([0, { source: "proxies", proxies: [{ health: "up" }] }]);
});

test("status says that a proxy's certificate is not trusted", async () => {
  const { code, out } = await status(configOf(await admin(theirs.issue("other")), yamlOf(machine)));
  expect([code, JSON.parse(out)]).toMatchObject([
    69,
    { proxies: [{ health: "down", reason: expect.stringContaining("certificate") as string }] },
  ]);
});

test.each([["status"], ["host", "--id", "host-a"], ["proxy", "--id", "proxy-1"]])(
  "%s with a file that is absent ends with 78 and names the file and its key",
  async (...command) => {
    const absent = "{ cert: /absent/node.crt, key: /absent/node.key }";
    const file = configOf(3, `${absent}, control: ${absent}`);
    process.env["SECRET"] = "5e".repeat(32);
    const { code, err } = await hotspare([...command, "--config", file]);
    delete process.env["SECRET"];
    expect(code).toBe(78);
    expect(err).toMatch(/Cannot use \/absent\/node\.crt \(tls\.(?:admin|control)\.cert\): there is no such file/);
  },
);
