/** A primary that is told to finish an upgrade: it asks the other hosts, and writes only what all of them read. */
import { beforeEach, describe, expect, test } from "vitest";
import { isHotspareError } from "../../shared/errors.ts";
import { parseNodeId } from "../../shared/ids.ts";
import type { Head } from "../../shared/journal/head.ts";
import { silentLog } from "../../shared/log.ts";
import { systemClock } from "../../shared/system-clock.ts";
import type { Sending } from "../../shared/wire/message-client.ts";
import type { HostReport } from "../../shared/wire/reports.ts";
import { FormatRaise, type RaisedPool } from "../../host/format-raise.ts";
import type { PeerResult } from "../../host/host-parts.ts";
import { knowUpTo } from "../shared/journal/known-formats.ts";
import { Chain } from "../shared/journal/records.ts";
import { REPORT } from "../shared/wire/nodes.ts";
import { POOL } from "./cluster.ts";

const control = { host: "127.0.0.1", port: 1 };
const HOSTS = ["host-a", "host-b", "host-c"].map((id) => ({ id: parseNodeId(id), control }));
const NEW: Partial<HostReport> = { version: "0.2.0", formats: { records: { min: 1, max: 2 } } };
const OLD: Partial<HostReport> = { version: "0.1.0", formats: { records: { min: 1, max: 1 } } };
const refused = { type: "failed", kind: "refused", reason: "ECONNREFUSED" } as const;

let chain: Chain;
let asked: string[];
/** What each host says; those that are not here do not answer. */
let reports: Record<string, Partial<HostReport>>;
let raise: FormatRaise;

const pool: RaisedPool = {
  id: POOL,
  get servedHead() {
    return chain.head;
  },
  raiseFormat: (version) => {
    chain.format(version);
    return Promise.resolve(chain.head as Head);
  },
};

async function send(_: "heartbeat", { to }: Sending<"heartbeat">): Promise<PeerResult<"heartbeat">> {
  asked.push(to);
  const report = reports[to];
  if (!report) return refused;
  return { type: "answer", answer: { report: { ...REPORT, ...report }, originMs: 0, receivedMs: 0, sentMs: 0 } };
}

const finish = (dryRun = false) => raise.finish(pool, { pool: POOL, dryRun });
const refusal = (): Promise<string> =>
  finish().then(
    () => expect.fail("it was raised"),
    (error: unknown) => (isHotspareError(error) ? `${error.code} ${error.message}` : expect.fail(String(error))),
  );

beforeEach(() => {
  chain = new Chain();
  chain.fence("host-a");
  chain.batch();
  asked = [];
  reports = { "host-b": NEW, "host-c": NEW };
  raise = new FormatRaise({
    self: parseNodeId("host-a"),
    hosts: () => HOSTS,
    client: { send },
    clock: systemClock,
    log: silentLog,
  });
  knowUpTo(2);
});

describe("finishing an upgrade", () => {
  test("where all hosts read the new version, it is written from then on", async () => {
    expect(await finish()).toEqual({ from: 1, to: 2, raised: true, slot: 3 });
    expect(chain.head?.writeVersion).toBe(2);
    expect(asked.toSorted()).toEqual(["host-b", "host-c"]);
  });

  test("asked for once more, it says that it is so and asks nobody", async () => {
    await finish();
    asked = [];
    expect(await finish()).toEqual({ from: 2, to: 2, raised: false, slot: 0 });
    expect(asked).toEqual([]);
    expect(chain.records).toHaveLength(3);
  });

  test("a dry run asks all and writes nothing", async () => {
    expect(await finish(true)).toEqual({ from: 1, to: 2, raised: false, slot: 0 });
    expect(asked).toHaveLength(2);
    expect(chain.head?.writeVersion).toBe(1);
  });

  test.each<[string, Record<string, Partial<HostReport>>, string]>([
    [
      "a host that was not updated",
      { "host-b": OLD, "host-c": NEW },
      "host-b (Hotspare 0.1.0) reads records of version 1",
    ],
    [
      "a host that is too old to say what it reads",
      { "host-b": { version: "0.0.9" }, "host-c": NEW },
      "host-b (Hotspare 0.0.9)",
    ],
    [
      "a host that is down: it may come back as it was",
      { "host-c": NEW },
      "host-b cannot be asked (refused: ECONNREFUSED): start it, or, if it never comes back, hotspare node offline host-b and node remove host-b",
    ],
    ["every one of them", {}, "host-c cannot be asked"],
  ])("waits for %s, and names it", async (_, said, message) => {
    reports = said;
    expect(await refusal()).toMatch(/^HS_UPGRADE_WAITS/);
    expect(await refusal()).toContain(message);
    expect(chain.head?.writeVersion).toBe(1);
  });

  test("a host that does not serve the pool any more raises nothing", async () => {
    chain = new Chain();
    expect(await refusal()).toMatch(/^HS_NOT_PRIMARY/);
  });
});
