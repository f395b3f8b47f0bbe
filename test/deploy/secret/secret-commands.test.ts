import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { messageKey } from "../../../shared/signature/message-key.ts";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { hotspare } from "../console.ts";

const folder = temporaryFolder();
const FIRST = "1".repeat(64);
const ID = messageKey(Buffer.from(FIRST, "hex")).id;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A proxy that sees one host; `keys` are those of both. */
async function proxy(keys: readonly string[] | undefined): Promise<number> {
  const host = { id: "host-a", role: "primary", health: "up", reason: null, alarms: [] };
  const unknown = { clockOffsetMs: null, version: null, configHash: null };
  const told = keys === undefined ? {} : { keys };
  const body = {
    cluster: "demo",
    self: "proxy-1",
    pools: [],
    hosts: [{ ...host, ...unknown, ...told }],
    proxies: [{ id: "proxy-1", ...told }],
  };
  const server = createServer((_, response) => response.end(JSON.stringify(body)));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return (server.address() as AddressInfo).port;
}

let files = 0;
function clusterAt(admin: number, secret = `{ file: ${++files}.key }`): string {
  writeFileSync(join(folder, `${files}.key`), `${FIRST}\n`, { mode: 0o600 });
  const file = join(folder, `${files}.yaml`);
  writeFileSync(
    file,
    `cluster: demo
secret: ${secret}
vault: { directory: ./vault }
proxies: [{ id: proxy-1, listen: "127.0.0.1:60001", admin: "127.0.0.1:${admin}" }]
hosts: [{ id: host-a, listen: "127.0.0.1:61001", control: "127.0.0.1:61002", data: ./data }]
`,
  );
  return file;
}
const keyFile = (): string => readFileSync(join(folder, `${files}.key`), "utf8");

describe("secret show", () => {
  it("names keys by their ids, with who accepts them, and shows no key", async () => {
    const config = clusterAt(await proxy([ID]));
    const { code, out } = await hotspare(["secret", "show", "--config", config]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^${ID} +signs +host-a, proxy-1$`, "m"));
    expect(out).not.toContain(FIRST.slice(0, 20));
  });

  it("says of whom nothing is known", async () => {
    const { out } = await hotspare(["secret", "show", "--json", "--config", clusterAt(1)]);
    expect(JSON.parse(out)).toMatchObject({
      keys: [{ id: ID, use: "signs", nodes: [] }],
      unknown: [/host-a is down/, /proxy-1 is down/].map((text) => expect.stringMatching(text) as string),
    });
  });
});

describe("secret rotate", () => {
  it("changes nothing in a dry run", async () => {
    const { code, out } = await hotspare(["secret", "rotate", "--dry-run", "--config", clusterAt(await proxy([ID]))]);
    expect([code, out]).toEqual([0, expect.stringContaining("append a new key to")]);
    expect(keyFile()).toBe(`${FIRST}\n`);
  });

  it("does not begin while a node could not read a file of two keys", async () => {
    const config = clusterAt(await proxy(undefined));
    const { code, err } = await hotspare(["secret", "rotate", "--wait", "0", "--config", config]);
    expect(code).toBe(69);
    expect(err).toContain("host-a does not say which keys it accepts: update it first");
    expect(keyFile()).toBe(`${FIRST}\n`);
  });

  it("stops at the step for which nodes are not ready, and does not wait for those that are left out", async () => {
    const config = clusterAt(await proxy([ID]));
    const args = ["secret", "rotate", "--wait", "0", "--config", config];
    const { code, err } = await hotspare(args);
    expect(code).toBe(69);
    expect(err).toMatch(/host-a does not know key [0-9a-f]{16}: copy \d+\.key to its machine; proxy-1 does not know/);
    expect(err).toContain("HS_ROTATION_WAITS");
    const appended = keyFile();
    expect(appended.split("\n")[1]).toContain("# new");
    expect((await hotspare(args)).code).toBe(69);
    expect(keyFile()).toBe(appended);
    const done = await hotspare([...args, "--without", "host-a", "--without", "proxy-1"]);
    expect(done.code).toBe(0);
    expect(keyFile()).toBe(`${appended.split("\n")[1]?.split(" ")[0]}\n`);
  });

  it.each([
    [["--without", "host-x"], "has no node host-x; it has host-a, proxy-1"],
    [["--wait", "soon"], "accepted is a time such as 30s or 10m"],
  ])("%j is misuse that names what is accepted", async (args, text) => {
    const { code, err } = await hotspare(["secret", "rotate", "--config", clusterAt(1), ...args]);
    expect([code, err]).toEqual([64, expect.stringContaining(text)]);
  });

  it("says how it is done by hand where the secret is in a variable", async () => {
    const config = clusterAt(1, "{ env: SECRET }");
    const { code, err } = await hotspare(["secret", "rotate", "--config", config], { env: { SECRET: FIRST } });
    expect([code, err]).toEqual([64, expect.stringMatching(/environment variable SECRET.*append a new key/)]);
  });
});
