/** A primary hands its pool over: to whom, what is refused, what happens if those who take part fail in the middle. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Handover, type HandoverOptions } from "../../host/handover.ts";
import type { PeerClient } from "../../host/host-parts.ts";
import { JournalReader } from "../../host/journal-reader.ts";
import type { HostedPool } from "../../host/pool.ts";
import { parseNodeId, type NodeId } from "../../shared/ids.ts";
import { silentLog } from "../../shared/log.ts";
import { systemClock } from "../../shared/system-clock.ts";
import type { Request } from "../../shared/wire/messages.ts";
import type { HostReport } from "../../shared/wire/reports.ts";
import { until } from "../until.ts";
import { add, Cluster, POOL } from "./cluster.ts";

const [A, B, C] = ["host-a", "host-b", "host-c"].map(parseNodeId) as [NodeId, NodeId, NodeId];
const ADDRESS = { host: "127.0.0.1", port: 1 };
const VAULT = "f".repeat(32);

let cluster: Cluster;
let pools: Map<NodeId, HostedPool>;
/** What each host says beside its pool. */
let words: Map<NodeId, Partial<HostReport> | "silent">;
/** Hosts that proxies were told to look at. */
let looks: string[];
/** Run before an order reaches a host; throwing is a lost order. */
let beforeOrder: (to: NodeId) => Promise<void>;

beforeEach(async () => {
  cluster = new Cluster();
  words = new Map();
  looks = [];
  beforeOrder = async () => undefined;
  pools = new Map();
  pools.set(A, await cluster.start(A, { first: true }));
  await until(() => pools.get(A)!.serving);
  for (const id of [B, C]) pools.set(id, await cluster.start(id));
  await caughtUp();
});
afterEach(() => cluster.end());

async function caughtUp(): Promise<void> {
  await pools.get(A)!.write(add("one"));
  const { lsn } = pools.get(A)!;
  await until(() => [B, C].every((id) => pools.get(id)!.lsn >= lsn && report(id).pools[0]!.lagMs < 500));
}

function report(id: NodeId): HostReport {
  const more = words.get(id);
  return {
    host: id,
    bootId: "0".repeat(32),
    vaultId: VAULT,
    version: "test",
    configHash: "c",
    mainTickAgeMs: 0,
    probe: { ok: true, ageMs: 0, latencyMs: 1 },
    candidate: true,
    pools: [pools.get(id)!.report(systemClock.monotonicMs())],
    ...(more === "silent" ? {} : more),
  };
}

/** Asks the pools of this process, as hosts would be asked. */
const client: PeerClient = {
  send: (async (name: string, { to, body }: { to: NodeId; body: unknown }) => {
    if (name === "look") {
      looks.push((body as Request<"look">).host);
      return { type: "answer", answer: {} };
    }
    if (words.get(to) === "silent") return { type: "failed", kind: "timeout", reason: "no answer" };
    if (name === "heartbeat")
      return { type: "answer", answer: { report: report(to), originMs: 0, receivedMs: 0, sentMs: 0 } };
    try {
      await beforeOrder(to);
      return { type: "answer", answer: await pools.get(to)!.promote(body as Request<"promote">, A) };
    } catch (error) {
      return { type: "failed", kind: "reset", reason: String(error) };
    }
  }) as PeerClient["send"],
  close: () => undefined,
};

function handover(changes: Partial<HandoverOptions> = {}): Handover {
  return new Handover({
    self: A,
    pool: pools.get(A)!,
    hosts: () => [A, B, C].map((id) => ({ id, control: ADDRESS })),
    proxies: () => [{ id: parseNodeId("proxy-1"), gossip: ADDRESS }],
    rules: () => ({ vaultId: VAULT, preferred: [A, C, B], storageFreshMs: 1000, warmMs: 2000, offline: () => null }),
    timeoutMs: 1000,
    takeoverMs: 5000,
    client,
    hooks: { asked: false, before: () => Promise.resolve(null) },
    clock: systemClock,
    log: silentLog,
    ...changes,
  });
}

const asking = (to: NodeId | null = null, dryRun = false): Request<"handover"> => ({
  pool: POOL,
  bootId: "0".repeat(32),
  to,
  by: "anna",
  cause: "switchover by anna: disks",
  dryRun,
});

describe("a handover", () => {
  it("goes to the preferred one of those that are fit, and the next write goes there", async () => {
    const answer = await handover().run(asking());
    expect(answer).toMatchObject({ successor: C, fence: { owner: C, epoch: 2 } });
    expect([pools.get(A)!.serving, pools.get(C)!.serving, looks]).toEqual([false, true, [C]]);
    expect((await pools.get(C)!.write(add("one"))).value).toBe("2");
  });

  it("goes to the one that is named", async () => {
    expect(await handover().run(asking(B))).toMatchObject({ successor: B });
  });

  it("keeps who asked and why in the fence, for the history", async () => {
    await handover().run(asking(B));
    const found = await new JournalReader(cluster.vault(), POOL).find(pools.get(B)!.fence!.slot);
    const record = found.type === "record" ? found.sealed.record : null;
    expect(record).toMatchObject({ fence: { reason: "switchover", cause: "switchover by anna: disks" } });
  });

  it("a dry run tells who would follow, who else is fit and why not, and changes nothing", async () => {
    words.set(C, { candidate: false });
    const answer = await handover().run(asking(null, true));
    expect(answer).toMatchObject({ successor: B, fence: null });
    expect(answer.hosts.map(({ host, unfit }) => [host, unfit === null])).toEqual([
      [B, true],
      [C, false],
    ]);
    expect([pools.get(A)!.serving, pools.get(A)!.fence?.epoch]).toEqual([true, 1]);
  });

  const UNFIT: readonly (readonly [string, Partial<HostReport> | "silent", RegExp])[] = [
    ["does not answer", "silent", /it does not answer/],
    ["is no candidate", { candidate: false }, /no candidate/],
    ["is on another vault", { vaultId: "e".repeat(32) }, /another vault/],
    ["cannot write to the vault", { probe: { ok: false, ageMs: 0, latencyMs: 0 } }, /cannot write/],
    ["has not written to the vault for long", { probe: { ok: true, ageMs: 5000, latencyMs: 0 } }, /5000 ms/],
    ["does not know the pool", { pools: [] }, /does not know pool main/],
  ];

  it.each(UNFIT)("is refused if the named one %s, and nothing changes", async (_, word, reason) => {
    words.set(B, word);
    await expect(handover().run(asking(B))).rejects.toMatchObject({ code: "HS_HANDOVER_REFUSED", message: reason });
    expect([pools.get(A)!.serving, pools.get(A)!.fence?.epoch]).toEqual([true, 1]);
  });

  it("is refused if nobody is fit, and names each with its reason", async () => {
    words.set(B, "silent").set(C, { candidate: false });
    await expect(handover().run(asking())).rejects.toMatchObject({
      message: expect.stringMatching(/host-c: it is no candidate.*host-b: it does not answer|host-b.*host-c/) as string,
    });
    expect(pools.get(A)!.serving).toBe(true);
  });

  it("is refused to a host that was taken offline, to itself, and where it does not serve", async () => {
    const rules = () => ({
      vaultId: VAULT,
      preferred: [],
      storageFreshMs: 1000,
      warmMs: 2000,
      offline: () => "taken offline by bert",
    });
    await expect(handover({ rules }).run(asking(B))).rejects.toMatchObject({ message: /taken offline by bert/ });
    await expect(handover().run(asking(A))).rejects.toMatchObject({ message: /serves it already/ });
    const other = handover({ self: B, pool: pools.get(B)! });
    await expect(other.run(asking())).rejects.toMatchObject({ code: "HS_NOT_PRIMARY" });
  });

  it("a second one meanwhile is refused, and names the first", async () => {
    const conductor = handover();
    let second: Promise<unknown> = Promise.resolve();
    beforeOrder = async () => {
      second = conductor.run({ ...asking(B), by: "bert" });
      await second.catch(() => undefined);
    };
    await conductor.run(asking(C));
    await expect(second).rejects.toMatchObject({
      code: "HS_OPERATION_BUSY",
      message: /anna hands pool main over to host-c/,
    });
  });

  it("the successor dies before it hears the order: the next fit one serves", async () => {
    beforeOrder = (to) => (to === C ? Promise.reject(new Error("gone")) : Promise.resolve());
    words.set(C, {});
    await pools.get(C)!.stop();
    const answer = await handover().run(asking());
    expect(answer).toMatchObject({ successor: B, fence: { epoch: 2 } });
  });

  it("the old primary dies after its release: the one that it named takes over by itself", async () => {
    expect(await pools.get(A)!.handOver(C, "switchover by anna")).toBe(true);
    pools.get(A)!.retire();
    await until(() => pools.get(C)!.serving);
    expect(pools.get(C)!.fence).toMatchObject({ owner: C, epoch: 2 });
  });

  it("writes that come in the middle are not applied here, and say so", async () => {
    const { value } = await pools.get(A)!.write(add("one"));
    const writes: Promise<unknown>[] = [];
    beforeOrder = async () =>
      void writes.push(
        pools
          .get(A)!
          .write(add("one"))
          .catch((error: unknown) => error),
      );
    await handover().run(asking(C));
    expect((await Promise.all(writes)).map((error) => (error as { code: string }).code)).toEqual(["HS_NOT_PRIMARY"]);
    expect((await pools.get(C)!.write(add("one"))).value).toBe(String(Number(value) + 1));
  });
});
