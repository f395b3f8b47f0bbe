import { beforeEach, describe, expect, test } from "vitest";
import { HotspareError } from "../../shared/errors.ts";
import { extend, originHash, type Head } from "../../shared/journal/head.ts";
import type { Operation, SealedRecord } from "../../shared/journal/record.ts";
import type { Lsn } from "../../shared/position.ts";
import { Committer } from "../../host/committer.ts";
import type { Batch, Store, Write, WriteOutcome } from "../../host/store/store.ts";
import { WriteQueue } from "../../host/write-queue.ts";
import { knowUpTo } from "../shared/journal/known-formats.ts";
import { Chain } from "../shared/journal/records.ts";
import { seededRandom } from "../shared/vault/test-vaults.ts";
import { FastClock } from "./machine.ts";

/** A store that does what the test says, and remembers in which order it was used. */
class ScriptedStore {
  readonly log: string[] = [];
  failAt: "begin" | "execute" | "commit" | "operations" | null = null;

  begin = (firstLsn: Lsn): Batch => {
    this.#fail("begin");
    this.log.push(`begin ${firstLsn}`);
    const outcomes: WriteOutcome[] = [];
    const batch = {
      bytes: 0,
      commits: 0,
      execute: (write: Write): "taken" => {
        this.#fail("execute");
        outcomes.push(this.#outcomeOf(write, firstLsn + batch.commits));
        if (outcomes.at(-1)?.type === "settled") batch.commits += 1;
        return "taken";
      },
      seal: () => ({ operations: [] as Operation[], outcomes }),
      commit: (head: Head) => {
        this.#fail("commit");
        this.log.push(`commit ${head.slot}`);
      },
      rollback: () => void this.log.push("rollback"),
    };
    return batch;
  };

  beginOperations = (operations: readonly Operation[]): Pick<Batch, "commit" | "rollback"> => {
    this.#fail("operations");
    this.log.push(`operations ${operations.map(({ type }) => type).join(" ")}`.trim());
    return {
      commit: (head) => void this.log.push(`commit ${head.slot}`),
      rollback: () => void this.log.push("rollback"),
    };
  };

  trimWal = (): void => undefined;

  #outcomeOf(write: Write, lsn: number): WriteOutcome {
    try {
      const value = write.run({} as never, { lsn: lsn as Lsn, logTimeMs: 0 });
      return { type: "settled", value: JSON.stringify(value), lsn: lsn as Lsn, replayed: false };
    } catch (error) {
      return { type: "refused", error };
    }
  }

  #fail(at: typeof this.failAt): void {
    if (this.failAt === at) throw new Error(`the local disk failed at ${at}`);
  }
}

/** What somebody waits for: `waiting`, then its value, or its error's code or message. */
class Asked {
  state: unknown = "waiting";

  constructor(answer: Promise<unknown>) {
    answer.then(
      (value) => (this.state = value),
      (error: Error) => (this.state = error instanceof HotspareError ? error.code : error.message),
    );
  }
}

class Bench {
  readonly store = new ScriptedStore();
  readonly published: SealedRecord[] = [];
  readonly died: unknown[] = [];
  readonly clock = new FastClock();
  readonly queue: WriteQueue;
  readonly committer: Committer;
  head: Head;
  prove: () => Promise<void> = () => Promise.resolve();

  constructor({ writes = 100 } = {}) {
    const chain = new Chain();
    chain.fence();
    this.head = chain.head ?? expect.fail("a fence is a head");
    expect(this.head.origin).toBe(chain.origin);
    expect(originHash(chain.origin)).toHaveLength(64);
    this.queue = new WriteQueue({ writes, bytes: 1000 }, () => this.committer.pump());
    this.committer = new Committer({
      pool: "main",
      queue: this.queue,
      clock: this.clock,
      random: seededRandom(41),
      shell: {
        publish: (sealed) => void this.published.push(sealed),
        committed: (sealed) => void this.store.log.push(`committed ${sealed.record.header.slot}`),
        prove: () => this.prove(),
        die: (error) => void this.died.push(error),
      },
    });
    this.committer.begin(this.store as unknown as Store, this.head);
  }

  add(write: Write): Asked {
    return new Asked(this.queue.add(write).then(({ value }) => value));
  }

  run(operations: readonly Operation[], after?: () => Promise<void>): Asked {
    const job = this.committer.run(operations, { commits: 0, ...(after ? { after } : {}) });
    return new Asked(job.then(({ slot }) => slot));
  }

  /** The newest record put is in the journal. */
  confirm(): void {
    const sealed = this.published.at(-1) ?? expect.fail("nothing was published");
    const extension = extend(this.head, sealed);
    if (!extension.ok) expect.fail(extension.violation.reason);
    else this.head = extension.head;
    this.committer.commit(this.head);
  }
}

const write = (value: unknown): Write => ({ key: null, run: () => value });
const refusing = (message: string): Write => ({
  key: null,
  run: () => {
    throw new Error(message);
  },
});
/** What became of each so far. */
async function answersOf(asked: readonly Asked[]): Promise<readonly unknown[]> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return asked.map(({ state }) => state);
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe("a format record", () => {
  const raise = (): Promise<Head> => bench.committer.run([], { commits: 0, format: { writeVersion: 2 } });

  test("is a record of its own between batches, which are written in its version from then on", async () => {
    knowUpTo(2);
    bench.committer.open();
    const { published } = bench;
    const first = bench.add(write(1));
    const raised = new Asked(raise().then(({ writeVersion }) => writeVersion));
    const second = bench.add(write(2));
    for (let n = 0; n < 3; n += 1) {
      bench.confirm();
      await answersOf([]);
    }
    expect(published.map(({ record }) => [record.kind, record.header.version])).toEqual([
      ["batch", 1],
      ["format", 1],
      ["batch", 2],
    ]);
    expect(published[1]?.record).toMatchObject({ format: { writeVersion: 2 }, header: { commits: 0 } });
    expect(await answersOf([first, raised, second])).toEqual(["1", 2, "2"]);
  });

  test("that is void raises nothing: what follows is written as before", async () => {
    knowUpTo(2);
    bench.committer.open();
    const raised = new Asked(raise());
    const full = new HotspareError("HS_VAULT_FULL", { reason: "test" });
    bench.committer.discard({ type: "refused", error: full });
    bench.add(write(1));
    expect(bench.published.at(-1)?.record.header.version).toBe(1);
    expect(await answersOf([raised])).toEqual(["HS_VAULT_FULL"]);
  });
});

describe("a batch", () => {
  beforeEach(() => bench.committer.open());

  test("is alone in flight; what comes meanwhile makes the next, in order", async () => {
    const { published } = bench;
    const answers = [bench.add(write(1)), bench.add(write(2)), bench.add(write(3))];
    expect(published).toHaveLength(1);
    expect(await answersOf(answers)).toEqual(["waiting", "waiting", "waiting"]);
    expect(published).toHaveLength(1);
    bench.confirm();
    expect(published).toHaveLength(2);
    expect(published.map(({ record }) => record.header.commits)).toEqual([1, 2]);
    expect(await answersOf(answers)).toEqual(["1", "waiting", "waiting"]);
    bench.confirm();
    expect(await answersOf(answers)).toEqual(["1", "2", "3"]);
    expect(published.map(({ record }) => record.header.slot)).toEqual([2, 3]);
    expect(published.map(({ record }) => record.header.firstLsn)).toEqual([1, 2]);
  });

  test("is answered after the local commit, not before", async () => {
    const answer = bench.add(write(1));
    bench.store.log.push(String((await answersOf([answer]))[0]));
    bench.confirm();
    expect(await answersOf([answer])).toEqual(["1"]);
    expect(bench.store.log).toEqual(["begin 1", "waiting", "commit 2", "committed 2"]);
  });

  test("waits shortly for as many writes as the last one had, and then goes without them", async () => {
    const { published } = bench;
    const first = [1, 2, 3, 4].map((n) => bench.add(write(n)));
    bench.confirm();
    bench.confirm();
    await answersOf(first);
    // The last batch had three: two that come soon after make one batch, though the second comes later.
    bench.add(write(5));
    expect(published).toHaveLength(2);
    bench.add(write(6));
    await answersOf([]);
    expect(published).toHaveLength(3);
    expect(published.at(-1)?.record.header.commits).toBe(2);
  });

  test("that is void because of another's fence: each of it was not applied, and its transaction is rolled back", async () => {
    const answers = [bench.add(write(1)), bench.add(write(2))];
    bench.committer.discard({ type: "deposed" });
    bench.committer.end(new HotspareError("HS_NOT_PRIMARY", { pool: "main" }));
    expect(await answersOf(answers)).toEqual(["HS_NOT_APPLIED", "HS_NOT_PRIMARY"]);
    expect(bench.store.log).toEqual(["begin 1", "rollback"]);
  });

  test("that nobody knows about: its outcome is unknown", async () => {
    const answer = bench.add(write(1));
    bench.committer.discard({ type: "unknown" });
    expect(await answersOf([answer])).toEqual(["HS_OUTCOME_UNKNOWN"]);
  });

  test.each([
    ["that was deposed", new HotspareError("HS_NOT_PRIMARY", { pool: "main" }), "HS_NOT_PRIMARY"],
    ["that is proven to be primary", null, "HS_VAULT_FULL"],
  ])(
    "that the vault refused to a host %s: of what may have been settled elsewhere that one's word counts",
    async (_, doubt, word) => {
      const under = (source: "client" | "proxy", firstSentLogTimeMs: number | null): Write =>
        ({ key: { key: "k", source, requestHash: "h", firstSentLogTimeMs }, run: () => 1 }) as unknown as Write;
      bench.prove = () => (doubt === null ? Promise.resolve() : Promise.reject(doubt));
      bench.add(write(0));
      const answers = [under("client", null), under("proxy", 5), under("proxy", null)].map((one) => bench.add(one));
      bench.confirm();
      bench.committer.discard({ type: "refused", error: new HotspareError("HS_VAULT_FULL", { reason: "test" }) });
      expect(await answersOf(answers)).toEqual([word, word, "HS_VAULT_FULL"]);
    },
  );

  test("that the vault refused: its writes hear why, and the next one goes at the same slot", async () => {
    const answers = [bench.add(write(1)), bench.add(write(2))];
    bench.committer.discard({ type: "refused", error: new HotspareError("HS_VAULT_FULL", { reason: "test" }) });
    expect(bench.published.map(({ record }) => record.header.slot)).toEqual([2, 2]);
    const [one, two] = bench.published.map(({ record }) => record.header.id);
    expect(one).not.toBe(two);
    bench.confirm();
    expect(await answersOf(answers)).toEqual(["HS_VAULT_FULL", "2"]);
  });
});

describe("a refusal", () => {
  beforeEach(() => bench.committer.open());

  test("that rests on no record waits for a proof, and nothing is published for it", async () => {
    const proof = Promise.withResolvers<void>();
    bench.prove = () => proof.promise;
    const answer = bench.add(refusing("no"));
    expect(await answersOf([answer])).toEqual(["waiting"]);
    proof.resolve();
    expect(await answersOf([answer])).toEqual(["no"]);
    expect(bench.published).toEqual([]);
    expect(bench.store.log).toEqual(["begin 1", "rollback"]);
  });

  test("without its proof is not given: what it saw may be old", async () => {
    bench.prove = () => Promise.reject(new HotspareError("HS_NOT_PRIMARY", { pool: "main" }));
    expect(await answersOf([bench.add(refusing("no"))])).toEqual(["HS_NOT_PRIMARY"]);
  });

  test("beside a write waits for their record, and no proof is asked for", async () => {
    bench.prove = () => Promise.reject(new Error("nobody asks"));
    bench.add(write(0));
    const answers = [bench.add(write(1)), bench.add(refusing("no"))];
    bench.confirm();
    expect(await answersOf(answers)).toEqual(["waiting", "waiting"]);
    bench.confirm();
    expect(await answersOf(answers)).toEqual(["1", "no"]);
  });

  test("in a batch that is void is not given either", async () => {
    bench.add(write(0));
    const answers = [bench.add(write(1)), bench.add(refusing("no"))];
    bench.confirm();
    bench.committer.discard({ type: "deposed" });
    expect(await answersOf(answers)).toEqual(["HS_NOT_APPLIED", "HS_NOT_APPLIED"]);
  });
});

describe("a job", () => {
  test("runs from the beginning of the tenure; writes wait until it is open", async () => {
    const answer = bench.add(write(1));
    const job = bench.run([{ type: "mark" }]);
    expect(bench.store.log).toEqual(["operations mark"]);
    bench.confirm();
    expect(await answersOf([answer])).toEqual(["waiting"]);
    expect(await answersOf([job])).toEqual([2]);
    bench.committer.open();
    bench.confirm();
    expect(await answersOf([answer])).toEqual(["1"]);
  });

  test("goes before the writes that wait, one at a time, between batches", async () => {
    bench.committer.open();
    const answers = [bench.add(write(1)), bench.add(write(2))];
    const jobs = [bench.run([{ type: "mark" }]), bench.run([])];
    for (let batch = 0; batch < 4; batch += 1) {
      expect(bench.published).toHaveLength(batch + 1);
      bench.confirm();
      await answersOf([]);
    }
    expect(await answersOf(jobs)).toEqual([3, 4]);
    expect(await answersOf(answers)).toEqual(["1", "2"]);
    expect(bench.store.log.filter((line) => !line.startsWith("committed"))).toEqual([
      "begin 1",
      "commit 2",
      "operations mark",
      "commit 3",
      "operations",
      "commit 4",
      "begin 2",
      "commit 5",
    ]);
  });

  test("holds the next batch until what follows it has ended: a snapshot is exactly at its mark", async () => {
    bench.committer.open();
    const after = Promise.withResolvers<void>();
    const job = bench.run([{ type: "mark" }], () => after.promise);
    bench.confirm();
    const answer = bench.add(write(1));
    await answersOf([]);
    expect(bench.published).toHaveLength(1);
    expect(bench.committer.idle).toBe(false);
    after.resolve();
    expect(await answersOf([job])).toEqual([2]);
    bench.confirm();
    expect(await answersOf([answer])).toEqual(["1"]);
  });

  test("whose operations are refused fails alone", async () => {
    bench.committer.open();
    bench.store.failAt = "operations";
    const job = bench.run([{ type: "mark" }]);
    expect(await answersOf([job])).toEqual(["the local disk failed at operations"]);
    const answer = bench.add(write(1));
    bench.confirm();
    expect(await answersOf([answer])).toEqual(["1"]);
  });

  test("outside a tenure is refused", async () => {
    bench.committer.end(new HotspareError("HS_NOT_PRIMARY", { pool: "main" }));
    expect(await answersOf([bench.run([])])).toEqual(["HS_NOT_PRIMARY"]);
  });
});

describe("the local store fails", () => {
  beforeEach(() => bench.committer.open());

  test("at the commit of a published record: the host dies, and nobody is answered", async () => {
    const answers = [bench.add(write(1)), bench.add(write(2))];
    bench.store.failAt = "commit";
    expect(() => bench.confirm()).toThrow("the local disk failed at commit");
    expect(bench.died).toHaveLength(1);
    expect(await answersOf(answers)).toEqual(["waiting", "waiting"]);
    expect(bench.published).toHaveLength(1);
  });

  test.each(["begin", "execute"] as const)(
    "at %s, before anything is published: the host dies, and nobody is answered",
    async (at) => {
      bench.store.failAt = at;
      const answer = bench.add(write(1));
      expect(await answersOf([answer])).toEqual(["waiting"]);
      expect(bench.died).toMatchObject([{ message: `the local disk failed at ${at}` }]);
      expect(bench.published).toEqual([]);
    },
  );

  test("in a batch that begins by itself after a short wait: the host dies too", async () => {
    const first = [1, 2, 3].map((n) => bench.add(write(n)));
    bench.confirm();
    bench.confirm();
    await answersOf(first);
    bench.store.failAt = "begin";
    const answer = bench.add(write(4));
    expect(await answersOf([answer])).toEqual(["waiting"]);
    expect(bench.died).toHaveLength(1);
  });
});

describe("too many writes", () => {
  test("over the bound are refused at once, and those before them are not", async () => {
    bench = new Bench({ writes: 3 });
    bench.committer.open();
    const answers = Array.from({ length: 6 }, (_, n) => bench.add(write(n)));
    expect((await answersOf(answers)).slice(4)).toEqual(["HS_WRITE_OVERLOAD", "HS_WRITE_OVERLOAD"]);
    bench.confirm();
    bench.confirm();
    expect((await answersOf(answers)).slice(0, 4)).toEqual(["0", "1", "2", "3"]);
  });
});

describe("a tenure ends", () => {
  test("what waits was not applied here; a job neither", async () => {
    bench.committer.open();
    const answers = [bench.add(write(1)), bench.add(write(2))];
    const job = bench.run([{ type: "mark" }]);
    bench.committer.discard({ type: "deposed" });
    bench.committer.end(new HotspareError("HS_NOT_PRIMARY", { pool: "main" }));
    expect(await answersOf([...answers, job])).toEqual(["HS_NOT_APPLIED", "HS_NOT_PRIMARY", "HS_NOT_PRIMARY"]);
    expect(bench.committer.head).toBeNull();
    expect(bench.committer.idle).toBe(true);
  });

  test("while a record is in flight, because the host stops: nobody knows what becomes of it", async () => {
    bench.committer.open();
    const answers = [bench.add(write(1)), bench.add(write(2))];
    bench.committer.end(new HotspareError("HS_NOT_PRIMARY", { pool: "main" }));
    expect(await answersOf(answers)).toEqual(["HS_OUTCOME_UNKNOWN", "HS_NOT_PRIMARY"]);
    expect(bench.store.log).toEqual(["begin 1", "rollback"]);
  });

  test("drained: what is in flight ends, what waits stays, and the head is there for the release", async () => {
    bench.committer.open();
    const answers = [bench.add(write(1)), bench.add(write(2))];
    const drained = bench.committer.drain();
    bench.confirm();
    await answersOf([]);
    bench.confirm();
    await drained;
    expect(bench.committer.idle).toBe(true);
    expect(await answersOf(answers)).toEqual(["1", "waiting"]);
    expect(bench.committer.head).toEqual(bench.head);
  });

  test("and the next one begins where the journal is", async () => {
    bench.committer.end(new HotspareError("HS_NOT_PRIMARY", { pool: "main" }));
    bench.committer.begin(bench.store as unknown as Store, bench.head);
    bench.committer.open();
    const answer = bench.add(write(1));
    bench.confirm();
    expect(await answersOf([answer])).toEqual(["1"]);
  });
});
