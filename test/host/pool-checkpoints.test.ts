/** When a pool's image thread rests, where not every pool keeps one. Images and hashes themselves are in other tests. */
import { expect, test } from "vitest";
import { ImageTurns } from "../../host/checkpoint/image-turns.ts";
import type { ImageTaker } from "../../host/host-parts.ts";
import type { LocalCopy } from "../../host/local-copy.ts";
import { PoolCheckpoints } from "../../host/pool-checkpoints.ts";
import { parseNodeId, parsePoolId } from "../../shared/ids.ts";
import { silentLog } from "../../shared/log.ts";
import { HandClock } from "./hand-clock.ts";

test("a pool that needs its thread again while that goes to rest keeps its turn: there are never more than so many", async () => {
  const [clock, turns] = [new HandClock(), new ImageTurns(1)];
  const rests: ((rests: boolean) => void)[] = [];
  let started = 0;
  const taker: Partial<ImageTaker> = {
    start: async () => void (started += 1),
    begin: async () => ({ type: "begun", head: null }),
    rest: () => new Promise((resolve) => rests.push(resolve)),
    stop: async () => undefined,
  };
  const checkpoints = new PoolCheckpoints({
    pool: parsePoolId("main"),
    host: parseNodeId("host-a"),
    copy: { store: { file: "state.db", head: null }, restored: null } as unknown as LocalCopy,
    vault: null as never,
    vaultDirectory: "",
    temporary: "",
    limits: () => ({ bytes: 1, intervalMs: 1, keep: 2 }),
    clock,
    log: silentLog,
    die: (error) => expect.fail(String(error)),
    openImages: () => taker as ImageTaker,
    turns,
  });
  const isFree = (): boolean => {
    const somebody = {};
    const free = turns.take(somebody);
    turns.end(somebody);
    return free;
  };

  await checkpoints.marked();
  await clock.pass(1000);
  expect([started, rests.length]).toEqual([1, 1]);
  await checkpoints.marked();
  rests.shift()?.(true);
  await clock.pass(0);
  expect([started, isFree()]).toEqual([2, false]);

  await clock.pass(1000);
  rests.shift()?.(false);
  await clock.pass(1000);
  expect(isFree()).toBe(false);
  rests.shift()?.(true);
  await clock.pass(0);
  expect(isFree()).toBe(true);

  await checkpoints.marked();
  await checkpoints.stop();
  expect(isFree()).toBe(true);
  await clock.pass(10_000);
  expect(rests).toEqual([]);
});
