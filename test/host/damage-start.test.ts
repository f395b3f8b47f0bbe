import { existsSync, chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Config } from "../../shared/config/config.ts";
import { toConfig } from "../../shared/config/load-config.ts";
import { parseConfig } from "../../shared/config/parse-config.ts";
import { isHotspareError, type HotspareError } from "../../shared/errors.ts";
import { parseNodeId, randomId, type VaultId } from "../../shared/ids.ts";
import { silentLog } from "../../shared/log.ts";
import { systemRandom } from "../../shared/random.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { DirectoryVault } from "../../shared/vault/directory-vault.ts";
import { createVaultIdentity } from "../../shared/vault/vault-identity.ts";
import { startHost, type RunningHost } from "../../host/host.ts";
import { openHostNetworks } from "../../host/host-networks.ts";
import { systemParts } from "../../host/system-parts.ts";
import { until } from "../until.ts";

let folder: string;
let vaultFolder: string;
let running: RunningHost[];
const died: unknown[] = [];
const vaultId = randomId<VaultId>(systemRandom);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-start-"));
  vaultFolder = join(folder, "vault");
  mkdirSync(vaultFolder);
  running = [];
});
afterEach(async () => {
  for (const host of running) await host.stop();
  rmSync(folder, { recursive: true, force: true });
  expect(died).toEqual([]);
});

/** On ports that the system gives. */
function config(): Config {
  const text = `cluster: test
secret: { file: cluster.key }
vault: { directory: ./vault, id: ${vaultId} }
proxies:
  - { id: proxy-1, listen: "127.0.0.1:8080", admin: "127.0.0.1:8090" }
hosts:
  - { id: host-a, listen: "127.0.0.1:7100", control: "127.0.0.1:7101", data: ./data, mode: primary }
`;
  const read = toConfig(parseConfig(text, join(folder, "hotspare.yaml"), {}));
  const free = { host: "127.0.0.1", port: 0 };
  return { ...read, hosts: read.hosts.map((host) => ({ ...host, listen: free, control: free })) };
}

async function start(): Promise<RunningHost> {
  const read = config();
  const id = parseNodeId("host-a");
  const host = await startHost({
    config: read,
    id,
    secret: Buffer.alloc(32, 1),
    clock: systemClock,
    random: systemRandom,
    log: pino({ level: "silent" }),
    die: (error) => died.push(error),
    parts: systemParts(await openHostNetworks(read, id, silentLog)),
  });
  running.push(host);
  return host;
}

const refusal = (): Promise<HotspareError> =>
  start().then(
    () => expect.fail("it started"),
    (error: unknown) => (isHotspareError(error) ? error : expect.fail(String(error))),
  );

const listing = (): string[] => readdirSync(vaultFolder, { recursive: true }).map(String).toSorted();

async function makeVault(): Promise<void> {
  const vault = new DirectoryVault({ directory: vaultFolder, random: systemRandom, clock: systemClock });
  await createVaultIdentity({ vault, directory: vaultFolder }, { cluster: "test", vaultId });
  vault.close();
}

const clusterFile = (): string => join(vaultFolder, "cluster.json");

describe("a host does not start, makes nothing in the vault's folder, and leaves nothing running, when", () => {
  const cases: readonly (readonly [string, () => void, string, number])[] = [
    ["nothing is mounted: the folder is empty", () => undefined, "HS_VAULT_MISSING", 78],
    ["there is no such folder", () => rmSync(vaultFolder, { recursive: true }), "HS_VAULT_MISSING", 78],
    [
      "it is full of something else",
      () => writeFileSync(join(vaultFolder, "holiday.jpg"), "x"),
      "HS_VAULT_MISSING",
      78,
    ],
    [
      "it is another cluster's vault",
      () => writeFileSync(clusterFile(), JSON.stringify({ cluster: "test", vaultId: "f".repeat(32), format: 1 })),
      "HS_VAULT_FOREIGN",
      78,
    ],
    [
      "its format is newer",
      () => writeFileSync(clusterFile(), JSON.stringify({ cluster: "test", vaultId, format: 2 })),
      "HS_VAULT_FORMAT",
      78,
    ],
    ["its identity is damaged", () => writeFileSync(clusterFile(), '{ "cluster": "te'), "HS_VAULT_FORMAT", 78],
  ];

  test.each(cases)("%s", async (_, prepare, code, exit) => {
    prepare();
    const before = existing(listing);
    expect(await refusal()).toMatchObject({ code, exit });
    expect(existing(listing)).toEqual(before);
    expect(existsSync(join(folder, "data"))).toBe(false);
  });

  test("it is not writable", async () => {
    await makeVault();
    const before = listing();
    mkdirSync(join(folder, "data"));
    chmodSync(folder, 0o755);
    chmodSync(join(folder, "data"), 0o777);
    await asNobody(async () => expect(await refusal()).toMatchObject({ code: "HS_VAULT_UNWRITABLE", exit: 73 }));
    expect(listing()).toEqual(before);
  });
});

test("what was wrong is mended: the host starts and serves", async () => {
  expect(await refusal()).toMatchObject({ code: "HS_VAULT_MISSING" });
  await makeVault();
  const host = await start();
  await until(() => host.pools[0]?.serving === true);
});

const existing = (list: () => string[]): string[] | null => {
  try {
    return list();
  } catch {
    return null;
  }
};

/** Permissions do not hold for root: what is tested runs as somebody else then. */
async function asNobody(act: () => Promise<void>): Promise<void> {
  const nobody = 65_534;
  if (process.getuid?.() !== 0) {
    chmodSync(vaultFolder, 0o555);
    await act();
    return chmodSync(vaultFolder, 0o755);
  }
  process.seteuid?.(nobody);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
}
