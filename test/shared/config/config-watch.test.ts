import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchConfig } from "../../../shared/config/config-watch.ts";
import { loadConfig } from "../../../shared/config/load-config.ts";
import { silentLog, type Log } from "../../../shared/log.ts";
import { until } from "../../until.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hotspare-watch-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const text = (interval: string): string => `cluster: demo
secret: { file: cluster.key }
vault: { directory: ./vault }
proxies: [{ id: proxy-1, listen: "127.0.0.1:18080", admin: "127.0.0.1:18090" }]
hosts: [{ id: host-a, listen: "127.0.0.1:17100", control: "127.0.0.1:17101", data: ./data, mode: primary }]
health: { interval: ${interval} }
`;

test("an edit while a node runs is told with what changed, a wrong one with its reason", async () => {
  const file = join(folder, "hotspare.yaml");
  writeFileSync(file, text("250ms"));
  const warnings: object[] = [];
  const errors: object[] = [];
  const log: Log = { ...silentLog, warn: (fields) => warnings.push(fields), error: (fields) => errors.push(fields) };
  const stop = watchConfig({ config: loadConfig(file, {}), env: {}, log });
  try {
    // The watch begins a moment after the call: the edit is repeated until it is seen.
    await until(() => (writeFileSync(file, text("300ms")), warnings.length > 0), { everyMs: 500 });
    expect(warnings[0]).toEqual({ changed: ["health"] });
    await until(() => (writeFileSync(file, text("soon")), errors.length > 0), { everyMs: 500 });
    expect(errors[0]).toMatchObject({ reason: expect.stringContaining("health.interval") });
  } finally {
    await stop();
  }
});
