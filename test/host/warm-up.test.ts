import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../shared/log.ts";
import { systemSockets } from "../../shared/sockets.ts";
import { warmUp } from "../../host/warm-up.ts";

let data: string;
let server: Server;
let requests = 0;
const warnings: object[] = [];
const log = { ...silentLog, warn: (fields: object) => warnings.push(fields) };

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "hotspare-warm-"));
  requests = 0;
  warnings.length = 0;
  server = createServer((_, answer) => {
    requests += 1;
    answer.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(data, { recursive: true, force: true });
});

test("the warm-up runs batches and requests, and leaves nothing behind", async () => {
  const { port } = server.address() as AddressInfo;
  await warmUp({ listen: { host: "127.0.0.1", port }, data, sockets: systemSockets, log });
  expect(warnings).toEqual([]);
  expect(requests).toBeGreaterThan(0);
  expect(existsSync(join(data, "warm-up"))).toBe(false);
});

test("a warm-up that fails is told, and the host goes on", async () => {
  await warmUp({ listen: { host: "127.0.0.1", port: 1 }, data: join(data, "absent"), sockets: systemSockets, log });
  expect(warnings).toHaveLength(1);
});
