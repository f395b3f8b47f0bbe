import { afterEach, beforeEach, expect, test } from "vitest";
import { ImageTurns } from "../../host/checkpoint/image-turns.ts";
import { Push } from "../../host/push.ts";
import type { HostedPool } from "../../host/pool.ts";
import { StateWatch } from "../../host/state-watch.ts";
import { writeHostHint } from "../../shared/checkpoint/host-hint.ts";
import { parseNodeId, type NodeId, type Sha256 } from "../../shared/ids.ts";
import { silentLog } from "../../shared/log.ts";
import { slot } from "../../shared/position.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { until } from "../until.ts";
import { add, Cluster, POOL } from "./cluster.ts";

let cluster: Cluster;

function isFree(turns: ImageTurns): boolean {
  const somebody = {};
  const free = turns.take(somebody);
  turns.end(somebody);
  return free;
}
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(async () => {
  await cluster.end();
  expect(cluster.died).toEqual([]);
});

const [a, b, c] = ["host-a", "host-b", "host-c"].map(parseNodeId) as [NodeId, NodeId, NodeId];

test("where a share tells nothing, a standby is told of the newest record, also of one that came while it was being told", async () => {
  const pool = await cluster.start("host-a", { first: true });
  await until(() => pool.serving);
  const told: number[] = [];
  const send = (_name: string, { body }: { body: { slot: number } }): Promise<unknown> => {
    told.push(body.slot);
    return Promise.resolve({ type: "failed", kind: "timeout", reason: "it is slow" });
  };
  const hosts = [{ id: b, control: { host: "127.0.0.1", port: 1 } }];
  const push = new Push({ pool, hosts: () => hosts, client: { send }, clock: systemClock });
  for (let write = 0; write < 20; write += 1) await pool.write(add("x"));
  const head = pool.servedHead?.slot;
  await until(() => told.at(-1) === head);
  expect(told.length).toBeLessThan(20);
  push.stop();
});

test("with many pools the image thread rests between marks, and checkpoints and hashes are made as ever", async () => {
  const turns = { "host-a": new ImageTurns(1), "host-b": new ImageTurns(1) };
  const [primary, standby] = [
    await cluster.equip("host-a", { first: true, turns: turns["host-a"] }),
    await cluster.equip("host-b", { turns: turns["host-b"] }),
  ];
  await until(() => primary.pool.serving);
  for (let round = 1; round <= 3; round += 1) {
    await primary.pool.write(add("x"));
    const { slot: at, stateHash } = await primary.checkpoints.take("test");
    await until(() => standby.checkpoints.hashes.some((known) => known.slot === at && known.hash === stateHash));
    for (const turn of Object.values(turns)) await until(() => isFree(turn));
  }
});

test("a checkpoint waits until the pool has a turn; what a mark finds without one is not hashed", async () => {
  const turns = new ImageTurns(1);
  const primary = await cluster.equip("host-a", { first: true, turns });
  await until(() => primary.pool.serving);
  const other = {};
  expect(turns.take(other)).toBe(true);
  await primary.pool.write(add("x"));
  await primary.pool.mark();
  expect(primary.checkpoints.hashes).toEqual([]);
  let isTaken = false;
  const taken = primary.checkpoints.take("test").finally(() => (isTaken = true));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(isTaken).toBe(false);
  turns.end(other);
  const { slot: at, stateHash } = await taken;
  expect(primary.checkpoints.hashes).toEqual([{ slot: at, hash: stateHash }]);
});

test("a host whose state differs from two others' is told that it is wrong, from which mark on", async () => {
  const vault = cluster.vault();
  const [right, wrong] = ["a".repeat(64), "b".repeat(64)] as [Sha256, Sha256];
  for (const host of [b, c]) {
    const pools = [
      { pool: POOL, role: "standby", slot: 7, lsn: 7, stateHashes: [{ slot: 7, hash: right }], restored: [] },
    ];
    await writeHostHint(vault, { host, bootId: "0".repeat(32), version: "test", tick: 1, wallMs: 0, pools });
  }
  const diverged: number[] = [];
  const pool: Pick<HostedPool, "id" | "fence" | "diverged"> = {
    id: POOL,
    fence: null,
    diverged: (at) => Promise.resolve(void diverged.push(at)),
  };
  const checkpoints = { hashes: [{ slot: slot(7), hash: wrong }] };
  const watch = new StateWatch({
    self: a,
    pool,
    checkpoints,
    vault,
    hosts: () => [b, c],
    clock: systemClock,
    log: silentLog,
  });
  await until(() => diverged.length > 0);
  watch.stop();
  expect(diverged[0]).toBe(7);
});
