import { copyFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import type { TlsFiles } from "../../../shared/config/config.ts";
import { silentLog, type Log } from "../../../shared/log.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { certificatesIn, readTlsMaterial } from "../../../shared/tls/tls-material.ts";
import { TlsIdentity } from "../../../shared/tls/tls-identity.ts";
import { watchTls } from "../../../shared/tls/tls-watch.ts";
import { Authority } from "../../certificates.ts";
import { until } from "../../until.ts";

const ours = new Authority("ours");
const [first, second] = [ours.issue("first"), ours.issue("second")];
afterAll(() => ours.remove());

let folder: string;
let used: TlsFiles;
let identity: TlsIdentity;
let told: { event: string; reason?: string }[];
let stop: () => Promise<void>;

const note = (fields: object): void => void told.push(fields as { event: string });
const log: Log = { ...silentLog, info: note, warn: note };
const subject = (): string | undefined => certificatesIn(identity.material.cert)[0]?.subject;
const events = (): string[] => told.map(({ event }) => event);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-tls-watch-"));
  used = { cert: join(folder, "node.crt"), key: join(folder, "node.key"), ca: ours.ca };
  copy(first);
  identity = new TlsIdentity(await readTlsMaterial("data", used));
  told = [];
  stop = watchTls({ identity, files: used, clock: systemClock, log });
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

function copy({ cert, key }: TlsFiles): void {
  copyFileSync(cert, used.cert);
  copyFileSync(key, used.key);
}

test("new files are taken into use, and those who follow are told", async () => {
  let followed = 0;
  identity.follow(() => (followed += 1));
  copy(second);
  await until(() => subject() === "CN=second");
  expect([followed, events()]).toEqual([1, ["tls-reloaded"]]);
});

test("a link that is turned to other files counts as a change", async () => {
  const { cert, key } = used;
  for (const [path, target] of [
    [cert, second.cert],
    [key, second.key],
  ] as const) {
    symlinkSync(target, `${path}.new`);
    renameSync(`${path}.new`, path);
  }
  await until(() => subject() === "CN=second");
});

test("files that cannot be used are told once, with the reason; the old ones stay until there are good ones", async () => {
  copyFileSync(second.key, used.key);
  await until(() => told.length > 0);
  expect(told).toMatchObject([{ event: "tls-kept", reason: expect.stringContaining("does not belong to") as string }]);
  expect(subject()).toBe("CN=first");
  // Another reason is another line: by then the first one was seen again, and not told again.
  writeFileSync(used.cert, "");
  await until(() => told.length > 1);
  expect(events()).toEqual(["tls-kept", "tls-kept"]);
  copy(second);
  await until(() => subject() === "CN=second");
  expect(events().at(-1)).toBe("tls-reloaded");
});
