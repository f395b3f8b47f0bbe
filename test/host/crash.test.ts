import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "../../shared/hash.ts";
import { parseNodeId } from "../../shared/ids.ts";
import type { MemoryDisk } from "../../shared/vault/memory-disk.ts";
import type { MemoryStep } from "../../shared/vault/memory-io.ts";
import { MemoryVault } from "../../shared/vault/memory-vault.ts";
import type { Write } from "../../host/store/store.ts";
import { seededRandom } from "../shared/vault/test-vaults.ts";
import { POOL } from "./cluster.ts";
import {
  CopyFolder,
  FileCopy,
  hashOf,
  kill,
  Machine,
  removeStore,
  replay,
  startOn,
  turnsUntil,
  type Host,
} from "./machine.ts";

let copies: CopyFolder;
beforeAll(() => {
  copies = new CopyFolder();
});
afterAll(() => copies.remove());

/** `null`: only the process dies; a number: the vault's machine loses power too, and what was not synced goes by that seed. */
type Cut = number | null;

/** Two rows, so that half a write would show; counted, so that a second time would. */
const both = (id: string): Write => ({
  key: { key: id, source: "client", requestHash: sha256(id), firstSentLogTimeMs: null },
  run: (db) => {
    const row = db.prepare("insert into entry values (?, 1) on conflict do update set n = n + 1");
    for (const half of ["left", "right"]) row.run(`${id} ${half}`);
    return id;
  },
});

/** Writes that somebody waits for, and those that were acknowledged. */
class Clients {
  readonly sent: string[] = [];
  readonly acknowledged = new Set<string>();

  send({ pool }: Host, ...ids: string[]): Promise<unknown> {
    this.sent.push(...ids);
    return Promise.allSettled(
      ids.map(async (id) => {
        await pool.write(both(id));
        this.acknowledged.add(id);
      }),
    );
  }

  /** Everything sent is sent again to `host`, under the same keys. What was acknowledged must be known there. */
  async sendAgain({ pool }: Host): Promise<void> {
    for (const id of this.sent) {
      const { replayed } = await pool.write(both(id));
      if (this.acknowledged.has(id)) expect(replayed, `${id} was acknowledged`).toBe(true);
      this.acknowledged.add(id);
    }
  }
}

const rows = ({ copy }: Host): Map<string, number> =>
  new Map(
    copy.store.read((db) =>
      db
        .prepare("select id, n from entry")
        .all()
        .map(({ id, n }) => [String(id), Number(n)]),
    ),
  );

/** Whole or not there; there if acknowledged; once. */
function expectSound(host: Host, { sent, acknowledged }: Clients): void {
  const found = rows(host);
  for (const id of sent) {
    const [left, right] = [found.get(`${id} left`) ?? 0, found.get(`${id} right`) ?? 0];
    expect(left, `both halves of ${id}`).toBe(right);
    expect(left, `${id} once`).toBeLessThanOrEqual(1);
    if (acknowledged.has(id)) expect(left, `${id} was acknowledged`).toBe(1);
  }
}

async function expectReplayed(host: Host, disk: MemoryDisk): Promise<void> {
  const { head, hash } = await replay(new MemoryVault({ random: seededRandom(5), disk }), copies.file());
  expect(host.copy.store.head).toEqual(head);
  expect(hashOf(host.copy.store)).toBe(hash);
}

/** A life from the very first step: the first fence, the schema, two batches. Ends early if its machine does. */
async function firstLife(host: Host, clients: Clients): Promise<void> {
  const { pool, machine } = host;
  await turnsUntil(() => pool.serving || machine.dead);
  if (machine.dead) return;
  void clients.send(host, "a");
  void clients.send(host, "b", "c");
  await turnsUntil(() => clients.acknowledged.size === 3 || machine.dead);
}

/** A life on what another left: a fence of its own, and a batch. */
async function laterLife(host: Host, clients: Clients): Promise<void> {
  const { pool, machine } = host;
  await turnsUntil(() => pool.serving || machine.dead);
  if (machine.dead) return;
  void clients.send(host, "d");
  await turnsUntil(() => clients.acknowledged.has("d") || machine.dead);
}

interface Crashed {
  readonly disk: MemoryDisk;
  readonly file: string;
  readonly clients: Clients;
  readonly steps: readonly MemoryStep[];
}

type Life = (stopAfter: number) => Promise<Crashed>;

/** From an empty vault. */
const cold: Life = async (stopAfter) => {
  const clients = new Clients();
  const { machine, disk, steps } = Machine.onDisk(seededRandom(1), { stopAfter });
  const file = copies.file();
  const host = await startOn(machine, new FileCopy(file), seededRandom(2));
  await firstLife(host, clients);
  kill(host);
  expect(host.died).toEqual([]);
  return { disk, file, clients, steps };
};

/** From a vault with a history, and the local copy of it. */
const restart: Life = async (stopAfter) => {
  const before = await cold(Infinity);
  const { machine, disk, steps } = Machine.onDisk(seededRandom(3), { disk: before.disk, stopAfter });
  const host = await startOn(machine, new FileCopy(before.file), seededRandom(4));
  await laterLife(host, before.clients);
  kill(host);
  expect(host.died).toEqual([]);
  return { disk, file: before.file, clients: before.clients, steps };
};

/** The same host again, on whatever is left. Its copy never turns out not to be history. */
async function recover({ disk, file, clients }: Crashed): Promise<void> {
  const copy = new FileCopy(file);
  const { machine } = Machine.onDisk(seededRandom(7), { disk });
  const host = await startOn(machine, copy, seededRandom(8));
  await turnsUntil(() => host.pool.serving);
  expectSound(host, clients);
  await clients.sendAgain(host);
  expectSound(host, clients);
  await expectReplayed(host, disk);
  expect(copy.wishes).toEqual([]);
  kill(host);
  expect(host.died).toEqual([]);
}

describe.each([
  ["the first start of a pool", cold],
  ["a restart", restart],
] as const)("the machine stops after every single step of %s", (_, life) => {
  test.each([
    ["kept", () => undefined, (at: number): readonly Cut[] => [null, 2 * at, 2 * at + 1]],
    ["gone", removeStore, (at: number): readonly Cut[] => [3 * at]],
  ] as const)(
    "its local copy is %s: what was acknowledged is there once, the rest whole or not at all",
    async (_copy, lose, cuts) => {
      const { steps } = await life(Infinity);
      expect(steps.filter(({ call }) => call === "link").length).toBeGreaterThanOrEqual(2);
      const acknowledged = new Set<number>();
      for (let stopAfter = 1; stopAfter <= steps.length + 1; stopAfter += 1) {
        for (const cut of cuts(stopAfter)) {
          const crashed = await life(stopAfter);
          acknowledged.add(crashed.clients.acknowledged.size);
          if (cut !== null) crashed.disk.crash(seededRandom(cut));
          lose(crashed.file);
          await recover(crashed);
          removeStore(crashed.file);
        }
      }
      // The places where it stopped lie before and after answers.
      expect(acknowledged.size).toBeGreaterThan(1);
    },
  );
});

test("a primary stops after every single step, a standby follows, then the power fails: what it applied is still history", async () => {
  const { steps } = await cold(Infinity);
  let applied = 0;
  for (let stopAfter = 1; stopAfter <= steps.length + 1; stopAfter += 1) {
    const crashed = await cold(stopAfter);
    const copy = new FileCopy(copies.file());
    const standby = { host: "host-b", first: false };
    const { machine } = Machine.onDisk(seededRandom(21), { disk: crashed.disk });
    const b = await startOn(machine, copy, seededRandom(22), standby);
    await turnsUntil(() => b.pool.state.atHeadMs !== null);
    const { head } = copy.store;
    kill(b);
    crashed.disk.crash(seededRandom(stopAfter));
    const { head: left } = await replay(
      new MemoryVault({ random: seededRandom(5), disk: crashed.disk }),
      copies.file(),
    );
    expect(left?.slot ?? 0).toBeGreaterThanOrEqual(head?.slot ?? 0);
    if (left?.slot === head?.slot) expect(left).toEqual(head);
    applied += head?.slot ?? 0;
    removeStore(copy.store.file);
  }
  expect(applied).toBeGreaterThan(steps.length);
});

/** Another host on what the first one left: it follows, is ordered, serves, and answers somebody. */
async function takeOver({ disk, clients }: Crashed): Promise<string> {
  const file = copies.file();
  const { machine } = Machine.onDisk(seededRandom(11), { disk });
  const host = await startOn(machine, new FileCopy(file), seededRandom(12), { host: "host-b", first: false });
  await turnsUntil(() => host.pool.state.atHeadMs !== null);
  const order = { pool: POOL, bootId: "0".repeat(32), fence: host.pool.fence?.id ?? null, cause: "test", votes: [] };
  const answer = await host.pool.promote(order, parseNodeId("proxy-1"));
  expect(answer).toMatchObject({ outcome: "serving" });
  await Promise.all([clients.send(host, "e"), clients.send(host, "f")]);
  expectSound(host, clients);
  kill(host);
  expect(host.died).toEqual([]);
  return file;
}

/** Both hosts again, each on its own copy; the one that was deposed follows the other. */
async function recoverBoth(crashed: Crashed, takerFile: string): Promise<void> {
  const { disk, clients } = crashed;
  const copyOf = { a: new FileCopy(crashed.file), b: new FileCopy(takerFile) };
  const machine = (seed: number): Machine => Machine.onDisk(seededRandom(seed), { disk }).machine;
  const b = await startOn(machine(13), copyOf.b, seededRandom(14), { host: "host-b", first: false });
  const a = await startOn(machine(15), copyOf.a, seededRandom(16));
  await turnsUntil(() => b.pool.serving);
  await clients.sendAgain(b);
  await turnsUntil(() => a.copy.store.head?.slot === b.copy.store.head?.slot);
  for (const host of [a, b]) {
    expectSound(host, clients);
    await expectReplayed(host, disk);
    kill(host);
    expect(host.died).toEqual([]);
  }
  expect([...copyOf.a.wishes, ...copyOf.b.wishes]).toEqual([]);
}

test("a primary stops after every single step, another takes over and answers, then the power fails: nothing is lost", async () => {
  const { steps } = await cold(Infinity);
  for (let stopAfter = 1; stopAfter <= steps.length + 1; stopAfter += 1) {
    const crashed = await cold(stopAfter);
    const file = await takeOver(crashed);
    crashed.disk.crash(seededRandom(stopAfter));
    await recoverBoth(crashed, file);
  }
});
