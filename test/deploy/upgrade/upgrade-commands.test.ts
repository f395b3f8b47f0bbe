/** `hotspare upgrade` against a host that answers by script, over real signed messages. */
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HotspareError } from "../../../shared/errors.ts";
import { programVersion } from "../../../shared/program-version.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { mountMessages } from "../../../shared/wire/message-server.ts";
import type { Answer, Request } from "../../../shared/wire/messages.ts";
import type { HostReport } from "../../../shared/wire/reports.ts";
import { POOL } from "../../host/control-report.ts";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { HOST, HOST_BOOT, REPORT, SECRET } from "../../shared/wire/nodes.ts";
import { hotspare, type Shown } from "../console.ts";

const folder = temporaryFolder();
const file = join(folder, "hotspare.yaml");

let server: FastifyInstance;
let report: HostReport;
let asked: Request<"finish-upgrade">[];
let finish: () => Answer<"finish-upgrade">;

beforeEach(async () => {
  asked = [];
  report = { ...REPORT, version: programVersion(), node: process.versions.node, pools: [{ ...POOL, format: 1 }] };
  finish = () => ({ from: 1, to: 2, raised: true, slot: 13 });
  server = Fastify();
  await mountMessages(server, {
    self: HOST,
    cluster: "demo",
    secret: SECRET,
    bootId: HOST_BOOT,
    clock: systemClock,
    handlers: {
      heartbeat: async ({ originMs }) => ({ report, originMs, receivedMs: 0, sentMs: 0 }),
      "finish-upgrade": async (request) => {
        asked.push(request);
        return finish();
      },
    },
    onRefused: () => undefined,
  });
  server.get("/primary", async (_, reply) => reply.send({ host: HOST, reason: null, epoch: 3 }));
  await server.listen({ host: "127.0.0.1", port: 0 });
  writeFileSync(join(folder, "cluster.key"), `${SECRET.toString("hex")}\n`, { mode: 0o600 });
  writeConfig((server.server.address() as AddressInfo).port);
});
afterEach(async () => {
  server.server.closeAllConnections();
  await server.close();
});

function writeConfig(control: number, pools = ["main"]): void {
  const entries = pools.map((id) => `  - { id: ${id}, app: spaces, routes: [{ path: /${id} }] }`);
  writeFileSync(
    file,
    `cluster: demo
secret: { file: cluster.key }
vault: { directory: ./vault }
proxies: []
hosts: [{ id: ${HOST}, listen: "127.0.0.1:61001", control: "127.0.0.1:${control}", data: ./data }]
pools:
${entries.join("\n")}
`,
  );
}

const run = (...args: readonly string[]): Promise<Shown> =>
  hotspare(["upgrade", ...args, "--config", file], { clock: systemClock });

describe("upgrade check", () => {
  test("shows versions, formats, and that nothing is left to do", async () => {
    const { code, out, err } = await run("check");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(new RegExp(`${HOST} +primary of main +${report.version} +${report.node} +1 +1 +another`));
    expect(out).toMatch(/^main +host-a +1 +1$/m);
    for (const name of ["records", "cluster.json", "checkpoints", "receipts"])
      expect(out).toMatch(new RegExp(`^${name} +1 `, "m"));
    expect(out).toContain("nothing is left to do");
  });

  test("says what to do next, and with exit code 69 what stands in its way", async () => {
    report = { ...report, version: "0.0.1" };
    const { code, out, err } = await run("check");
    expect(out).toContain(`1. ${HOST}: stop it by SIGTERM (hands over main as it stops), then start the new program`);
    expect(out).toContain(`- nobody could take over pool main from ${HOST}`);
    expect([code, err]).toEqual([69, expect.stringContaining("HS_UPGRADE_WAITS")]);
  });

  test("as JSON", async () => {
    const shown = JSON.parse((await run("check", "--json")).out) as unknown;
    expect(shown).toMatchObject({
      own: { program: report.version, records: { min: 1, max: 1 } },
      formats: [{ name: "records" }, {}, {}, {}, {}],
      nodes: [{ id: HOST, protocol: { min: 1, max: 1 }, records: { min: 1, max: 1 }, configHash: "c" }],
      pools: [{ pool: "main", primary: HOST, format: 1 }],
      steps: [],
      inTheWay: [],
    });
  });

  test("names a host that does not answer", async () => {
    server.server.closeAllConnections();
    await server.close();
    const { code, out, err } = await run("check");
    expect(code).toBe(69);
    expect(`${out}\n${err}`).toContain(`${HOST} cannot be asked (refused`);
    expect(out).toContain("nobody serves pool main");
  });
});

describe("upgrade finish", () => {
  test("tells the primary of each pool, and says what came of it", async () => {
    writeConfig((server.server.address() as AddressInfo).port, ["main", "other"]);
    const { code, out } = await run("finish");
    expect([code, out.split("\n")]).toEqual([
      0,
      ["main", "other"].map(
        (pool) => `pool ${pool} is written in version 2 from slot 13 on, instead of 1 (by ${HOST})`,
      ),
    ]);
    expect(asked.map(({ pool, dryRun }) => [pool, dryRun])).toEqual([
      ["main", false],
      ["other", false],
    ]);
  });

  test("only the pool that is named; as JSON", async () => {
    writeConfig((server.server.address() as AddressInfo).port, ["main", "other"]);
    const { out } = await run("finish", "--pool", "other", "--json");
    const pool = { pool: "other", host: HOST, from: 1, to: 2, raised: true, slot: 13 };
    expect(JSON.parse(out)).toEqual({ pools: [pool] });
    expect(asked).toHaveLength(1);
  });

  test("with --dry-run asks the same without raising anything", async () => {
    finish = () => ({ from: 1, to: 2, raised: false, slot: 0 });
    expect((await run("finish", "--dry-run")).out).toContain("would be written in version 2 instead of 1");
    expect(asked).toEqual([{ pool: "main", dryRun: true }]);
  });

  test("where that is so already, says so", async () => {
    finish = () => ({ from: 2, to: 2, raised: false, slot: 0 });
    expect((await run("finish")).out).toContain("is written in version 2 already");
  });

  test("shows whom the primary waits for", async () => {
    finish = () => {
      throw new HotspareError("HS_UPGRADE_WAITS", { reason: "host-b cannot be asked" });
    };
    const { code, err } = await run("finish");
    expect([code, err]).toEqual([69, "hotspare: The upgrade waits: host-b cannot be asked (HS_UPGRADE_WAITS)"]);
  });
});
