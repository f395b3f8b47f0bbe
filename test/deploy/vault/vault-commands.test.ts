import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { initCluster } from "../../../deploy/cli/init-cluster.ts";
import { DEFAULT_PORTS, localClusterText } from "../../../deploy/cli/local-cluster.ts";
import type { SealedRecord } from "../../../shared/journal/record.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { epoch } from "../../../shared/position.ts";
import { encodeReceipt } from "../../../shared/receipt/receipt-codec.ts";
import type { Receipt, TenureEnd } from "../../../shared/receipt/receipt.ts";
import { receiptName, recordName, tenureEndName } from "../../../shared/vault/layout.ts";
import { DirectoryVault } from "../../../shared/vault/directory-vault.ts";
import { POOL, publish, sampleCheckpoint } from "../../host/checkpoint/sample-checkpoint.ts";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { Chain } from "../../shared/journal/records.ts";
import { chance, hotspare, MAIN, still, type Shown } from "../console.ts";

const folder = temporaryFolder();
let clusters = 0;

class Cluster {
  readonly folder = join(folder, `cluster-${++clusters}`);
  readonly file = join(this.folder, "hotspare.yaml");
  readonly vault = join(this.folder, "vault");
  readonly chain = new Chain();

  static async make(): Promise<Cluster> {
    const cluster = new Cluster();
    const { file } = cluster;
    await initCluster({ file, template: localClusterText(DEFAULT_PORTS), env: {}, random: chance, clock: still });
    return cluster;
  }

  /** Fences of host-a and host-b with batches after them, the last at slot 6, and a checkpoint at slot 5. */
  static async used(): Promise<Cluster> {
    const cluster = await Cluster.make();
    const { chain } = cluster;
    chain.fence("host-a", { reason: "cold", cause: "a new pool", wallMs: 1_700_000_000_000 });
    chain.batch([], 3);
    chain.batch();
    chain.fence("host-b", {
      orderedBy: "proxy-1" as never,
      cause: "refused",
      votes: [{ by: "proxy-1" as never, verdict: "down" }],
    });
    chain.batch();
    const at5 = await sampleCheckpoint(chain.head!);
    chain.batch();
    await cluster.withVault(async (vault) => {
      for (const sealed of chain.records) await vault.put(nameOf(sealed), sealed.bytes);
      await publish(vault, at5);
    });
    return cluster;
  }

  /** As `used`, with all that agreeing proxies and both owners leave of the second takeover. */
  static async ordered(verdict = "down: refused"): Promise<Cluster> {
    const cluster = await Cluster.make();
    const { chain } = cluster;
    chain.fence("host-a", { reason: "cold", cause: "a new pool", wallMs: ORDERED_AT_MS - 60_000 });
    const [first] = [chain.head!.fence];
    chain.batch([], 3);
    chain.batch();
    chain.fence("host-b", {
      orderedBy: parseNodeId("proxy-1"),
      cause: "refused",
      votes: [
        { by: parseNodeId("proxy-3"), verdict: "up" },
        { by: parseNodeId("host-b"), verdict: "down", standsFor: parseNodeId("proxy-2"), seenAtMs: ORDERED_AT_MS + 20 },
        { by: parseNodeId("proxy-1"), verdict, seenAtMs: ORDERED_AT_MS },
      ],
      phases: { detected: 250, agreed: 12.4 },
      wallMs: ORDERED_AT_MS + 300,
    });
    const { fence: second, slot, lsn } = chain.head!;
    const receipt: Receipt = {
      format: 1,
      pool: POOL,
      fence: second,
      previous: first,
      slot,
      lsn,
      replayed: 2,
      servedAtMs: ORDERED_AT_MS + 331,
      phases: { verify: 1, fence: 2, confirm: 4, apply: 8, open: 16, total: 31 },
      voidFences: [{ ...second, slot: 2, owner: "host-c" }],
      version: "0.1.0",
    };
    const end: TenureEnd = {
      format: 1,
      pool: POOL,
      fence: first,
      slot: 3,
      lsn: 4,
      endedAtMs: ORDERED_AT_MS + 5000,
      reason: "deposed by host-b in epoch 2",
      batch: { slot: 4, commits: 3, fate: "void" },
      version: "0.1.0",
    };
    await cluster.withVault(async (vault) => {
      for (const sealed of chain.records) await vault.put(nameOf(sealed), sealed.bytes);
      await vault.put(receiptName(POOL, second.epoch), encodeReceipt(receipt));
      await vault.put(tenureEndName(POOL, first.epoch), encodeReceipt(end));
    });
    return cluster;
  }

  async withVault(use: (vault: DirectoryVault) => Promise<void>): Promise<void> {
    const vault = new DirectoryVault({ directory: this.vault, clock: systemClock, random: chance });
    await use(vault);
    vault.close();
  }

  path(at: number): string {
    return join(this.vault, nameOf(this.chain.records[at - 1]!));
  }

  run(...args: readonly string[]): Promise<Shown> {
    return hotspare([...args, "--config", this.file]);
  }
}

/** Twenty seconds after a full minute. */
const ORDERED_AT_MS = 1_700_000_000_000;

/** A line of a table, however wide its columns are. */
const asColumns = (line: string): RegExp =>
  new RegExp(`^${line.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/ {2,}/g, " +")}$`);

const nameOf = (sealed: SealedRecord) => recordName(POOL, sealed.record.header.slot);

const flipByte = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  chmodSync(path, 0o660);
  writeFileSync(path, bytes);
};

/** Every command that opens the vault. */
const READERS = [["history"], ["vault", "check"], ["vault", "verify"], ["vault", "list"]] as const;

describe("a vault that is not what it should be ends each command with one line and its exit code", () => {
  const spoil: [string, (cluster: Cluster) => void, number, string][] = [
    ["not mounted", ({ vault }) => rmSync(vault, { recursive: true }), 78, "HS_VAULT_MISSING"],
    ["an empty folder", ({ vault }) => (rmSync(vault, { recursive: true }), mkdirSync(vault)), 78, "HS_VAULT_MISSING"],
    [
      "foreign",
      ({ vault }) => replaceIn(join(vault, "cluster.json"), /"vaultId": "\w{4}/, '"vaultId": "0000'),
      78,
      "HS_VAULT_FOREIGN",
    ],
    [
      "of a newer format",
      ({ vault }) => replaceIn(join(vault, "cluster.json"), /"format": 1/, '"format": 2'),
      78,
      "HS_VAULT_FORMAT",
    ],
    ["not initialised", ({ file }) => replaceIn(file, /, id: \w+/, ""), 78, "HS_VAULT_UNSUITABLE"],
    ["named by an unknown key", ({ file }) => replaceIn(file, /^vault:/m, "vualt:"), 78, "HS_CONFIG_INVALID"],
  ];
  test.each(spoil)("%s", async (_, change, exit, code) => {
    const cluster = await Cluster.make();
    change(cluster);
    const before = readdirSync(cluster.folder, { recursive: true });
    for (const args of READERS) {
      const { code: found, out, err } = await cluster.run(...args);
      expect([found, out, err], args.join(" ")).toEqual([exit, "", expect.stringMatching(/^hotspare: [^\n]*$/)]);
      expect(err).toContain(`(${code})`);
    }
    const json = await cluster.run("vault", "verify", "--json");
    expect(JSON.parse(json.err)).toMatchObject({ error: { code } });
    expect(readdirSync(cluster.folder, { recursive: true })).toEqual(before);
  });

  test("not writable", async () => {
    const cluster = await Cluster.make();
    for (const path of [folder, cluster.folder, cluster.vault]) chmodSync(path, 0o555);
    chmodSync(cluster.file, 0o444);
    rmSync(join(cluster.vault, "tmp"), { recursive: true, force: true });
    const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};
    const args = [MAIN, "vault", "check", "--config", cluster.file];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", ...nobody });
    for (const path of [folder, cluster.folder, cluster.vault]) chmodSync(path, 0o755);
    expect([status, stderr]).toEqual([
      73,
      expect.stringMatching(/^hotspare: Cannot write [^\n]*\(HS_VAULT_UNWRITABLE\)\n$/),
    ]);
  });

  test("looked at through a mount point that a host has for itself", async () => {
    const cluster = await Cluster.make();
    renameSync(cluster.vault, join(cluster.folder, "mounted"));
    replaceIn(cluster.file, /id: host-b,/, "id: host-b, vault: ./mounted,");
    expect(await cluster.run("vault", "check")).toMatchObject({ code: 78 });
    expect(await cluster.run("vault", "check", "--host", "host-b")).toMatchObject({ code: 0 });
    expect(await cluster.run("vault", "check", "--host", "host-x")).toMatchObject({ code: 64 });
  });
});

describe("vault check", () => {
  test("says what follows from the kind of share, and leaves nothing behind", async () => {
    const cluster = await Cluster.make();
    const { code, out } = await cluster.run("vault", "check");
    expect(code).toBe(0);
    for (const word of ["identity", "writable", "mount", "reads", "free", "publish"]) expect(out).toContain(word);
    const json: unknown = JSON.parse((await cluster.run("vault", "check", "--json")).out);
    expect(json).toMatchObject({
      cluster: "demo",
      reads: { main: expect.stringMatching(/^(check|barrier)$/) },
      times: { tries: 21 },
    });
    expect(new Set(readdirSync(cluster.vault, { recursive: true, encoding: "utf8" }))).toEqual(
      new Set(["cluster.json", "tmp"]),
    );
  });
});

describe("vault verify", () => {
  test("of a pool that nobody has served yet finds nothing wrong", async () => {
    const cluster = await Cluster.make();
    expect(await cluster.run("vault", "verify")).toMatchObject({ code: 0, err: "" });
  });

  test("reads everything and tells the head", async () => {
    const cluster = await Cluster.used();
    const { code, out } = await cluster.run("vault", "verify");
    expect([code, out]).toEqual([0, expect.stringContaining("6 records from slot 1 to slot 6 (LSN 6, epoch 2)")]);
    const { pools } = JSON.parse((await cluster.run("vault", "verify", "--json", "--pool", "main")).out) as {
      pools: unknown[];
    };
    expect(pools).toMatchObject([{ pool: "main", records: 6, checkpoints: [{ slot: 5 }], problems: [] }]);
  });

  test("names a record with one wrong bit, with exit code 65", async () => {
    const cluster = await Cluster.used();
    flipByte(cluster.path(3), 100);
    const { code, out, err } = await cluster.run("vault", "verify");
    expect([code, err]).toEqual([
      65,
      expect.stringMatching(/^hotspare: Record \S*0000000000000003 is invalid: its checksum is wrong/),
    ]);
    expect(out).toContain("NOT RIGHT");
  });

  test("accepts what cleaning deleted, and names what somebody else did", async () => {
    const cluster = await Cluster.used();
    for (const at of [2, 3]) rmSync(cluster.path(at));
    const cleaned = await cluster.run("vault", "verify");
    expect([cleaned.code, cleaned.out]).toEqual([
      0,
      expect.stringContaining("slots 2 to 3 are not there: covered by the checkpoint at slot 5"),
    ]);
    const other = await Cluster.used();
    other.chain.batch();
    await other.withVault(
      async (vault) => void (await vault.put(nameOf(other.chain.records[6]!), other.chain.records[6]!.bytes)),
    );
    rmSync(other.path(6));
    expect(await other.run("vault", "verify")).toMatchObject({
      code: 65,
      err: expect.stringContaining("HS_RECORD_MISSING"),
    });
  });

  test("names a checkpoint whose image is damaged, cut or gone", async () => {
    const damages: ((path: string) => void)[] = [
      (path) => flipByte(path, 40),
      (path) => writeFileSync(path, readFileSync(path).subarray(0, -1)),
      (path) => rmSync(path),
    ];
    for (const damage of damages) {
      const cluster = await Cluster.used();
      const checkpoints = join(cluster.vault, "pools/main/checkpoints");
      damage(
        join(
          checkpoints,
          readdirSync(checkpoints).find((name) => name.endsWith(".zst"))!,
        ),
      );
      expect(await cluster.run("vault", "verify")).toMatchObject({
        code: 65,
        err: expect.stringContaining("HS_CHECKPOINT_INVALID"),
      });
    }
  });

  test("of a pool that is neither configured nor there is misuse", async () => {
    const cluster = await Cluster.make();
    expect(await cluster.run("vault", "verify", "--pool", "other")).toMatchObject({ code: 64 });
  });
});

describe("vault list", () => {
  test("shows runs of records by kind, and who made which checkpoint", async () => {
    const cluster = await Cluster.used();
    rmSync(cluster.path(2));
    const { pools } = JSON.parse((await cluster.run("vault", "list", "--json")).out) as { pools: unknown[] };
    expect(pools).toMatchObject([
      {
        pool: "main",
        records: [
          { from: 1, to: 1, fence: 1, batch: 0 },
          { from: 3, to: 6, records: 4, fence: 1, batch: 3, unreadable: 0 },
        ],
        checkpoints: [{ slot: 5, by: "host-a", attestedBy: null, contradictedBy: null }],
      },
    ]);
    const { out } = await cluster.run("vault", "list");
    expect(out).toContain("nobody yet");
    expect(out).toContain("no receipts");
    const { out: ordered } = await (await Cluster.ordered()).run("vault", "list");
    expect(ordered).toContain("receipts of 1 takeovers, of 1 ends of tenures; epochs 1 to 2");
  });

  test("tells what says that it is no record", async () => {
    const cluster = await Cluster.used();
    flipByte(cluster.path(3), 0);
    expect(JSON.parse((await cluster.run("vault", "list", "--json")).out)).toMatchObject({
      pools: [{ records: [{ records: 6, unreadable: 1 }] }],
    });
  });
});

describe("history", () => {
  test("shows every fence with its reason while no node runs", async () => {
    const cluster = await Cluster.used();
    const { fences } = JSON.parse((await cluster.run("history", "--json")).out) as { fences: unknown[] };
    expect(fences).toMatchObject([
      { epoch: 2, slot: 4, owner: "host-b", reason: "order", orderedBy: "proxy-1", cause: "refused", isVoid: false },
      { epoch: 1, slot: 1, owner: "host-a", reason: "cold", orderedBy: null, isVoid: false },
    ]);
    const { out } = await cluster.run("history");
    expect(out).toMatch(/host-b\s+order\s+proxy-1\s+refused/);
  });

  test("of an epoch without a receipt shows what the fence has, and says so", async () => {
    const cluster = await Cluster.used();
    const { code, out } = await cluster.run("history", "--epoch", "2");
    expect(code).toBe(0);
    expect(out).toMatch(/^epoch 2: host-b$/m);
    expect(out).toMatch(/why +order of proxy-1: refused/);
    expect(out).toMatch(/deposed +host-a, epoch 1/);
    expect(out).toMatch(/receipt +missing/);
    expect(out).toMatch(/proxy-1 +down$/m);
    const json: unknown = JSON.parse((await cluster.run("history", "--epoch", "2", "--json")).out);
    expect(json).toMatchObject({
      fences: [{ receipt: { type: "missing" }, deposedEnd: { type: "missing" }, tookMs: null }],
    });
  });

  test("of an epoch with everything shows who saw and did what when, in lines that fit a terminal", async () => {
    const cluster = await Cluster.ordered();
    const { code, out, err } = await cluster.run("history", "--epoch", "2");
    expect([code, err]).toEqual([0, ""]);
    const at = new Date(ORDERED_AT_MS);
    const hour = `${at.getHours()}`.padStart(2, "0");
    const minute = `${at.getMinutes()}`.padStart(2, "0");
    const timeline = out.slice(out.indexOf("\n\n") + 2).split("\n");
    const seconds = timeline.map((line) => line.replace(`${hour}:${minute}:`, ""));
    expect(seconds).toEqual(
      [
        "time           ms  who                  what",
        "20.000             proxy-1              first sign; down: refused",
        "20.020             host-b for proxy-2   first sign; down",
        "                   proxy-3              up",
        "20.250        250  proxy-1              detected",
        "20.262        262  proxy-1              agreed",
        "20.300        262  host-b               is ordered",
        "20.301        263  host-b               the journal is verified",
        "20.303        265  host-b               the fence is at slot 4",
        "20.307        269  host-b               nothing lies beyond it",
        "20.315        277  host-b               2 records are replayed",
        "20.331        293  host-b               serves, from LSN 4",
        "25.000             host-a               ends: deposed by host-b in epoch 2",
      ].map((line) => expect.stringMatching(asColumns(line))),
    );
    expect(out).toMatch(/serves +from slot 4, LSN 4, since/);
    expect(out).toMatch(/void +the fence of host-c at slot 2, epoch 2; a batch of host-a for slot 4, 3 commits$/m);
    expect(out).toMatch(/receipt +written by hotspare 0\.1\.0/);
    for (const line of timeline) expect(line.length, line).toBeLessThanOrEqual(80);
    expect((await cluster.run("history")).out).toMatch(/host-b +order +proxy-1 +293 +refused/);
  });

  test("says so of a damaged receipt, and shows the rest", async () => {
    const cluster = await Cluster.ordered();
    for (const name of [receiptName(POOL, epoch(2)), tenureEndName(POOL, epoch(1))]) {
      chmodSync(join(cluster.vault, name), 0o660);
      writeFileSync(join(cluster.vault, name), "{ torn");
    }
    const { code, out, err } = await cluster.run("history", "--epoch", "2");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/receipt +damaged: it is not JSON with a format version/);
    expect(out).toMatch(/void +what host-a says of it is damaged/);
    expect(out).toMatch(/host-b for proxy-2 +first sign; down/);
    expect(await cluster.run("history")).toMatchObject({ code: 0, out: expect.stringContaining("host-b") });
    const verified = await cluster.run("vault", "verify");
    expect([verified.code, verified.out]).toEqual([
      0,
      expect.stringContaining("the receipt of the begin of epoch 2 is damaged, nothing rests on it"),
    ]);
  });

  test("shows nothing from the vault that could move the cursor", async () => {
    const cluster = await Cluster.ordered("\u001b[2Jdown\u009b\n");
    const { out } = await cluster.run("history", "--epoch", "2");
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    expect(out.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001F\u007F-\u009F]/);
    expect(out).toMatch(/first sign; {1,2}\[2Jdown/);
  });

  test("of a pool that nobody served, and of an epoch that never was", async () => {
    expect(await (await Cluster.make()).run("history")).toMatchObject({
      code: 0,
      out: expect.stringContaining("no fence yet"),
    });
    const used = await Cluster.used();
    expect(await used.run("history", "--epoch", "7")).toMatchObject({ code: 64 });
    expect(await used.run("history", "--epoch", "no")).toMatchObject({ code: 64 });
  });

  test("marks a void fence, which listing alone would take for one of history", async () => {
    const cluster = await Cluster.used();
    const late = new Chain();
    late.follow(cluster.chain.records[0]!);
    const fence = late.fence("host-c");
    rmSync(cluster.path(2));
    await cluster.withVault(async (vault) => void (await vault.put(nameOf(fence), fence.bytes)));
    const { out } = await cluster.run("history");
    expect(out).toMatch(/2\s+2\s.*host-c \(void\)/);
    expect(await cluster.run("vault", "verify")).toMatchObject({
      code: 0,
      out: expect.stringContaining("void fence of host-c at slot 2"),
    });
  });

  test("that breaks off shows what there is, and ends with exit code 65", async () => {
    const cluster = await Cluster.used();
    rmSync(cluster.path(1));
    const { code, out, err } = await cluster.run("history");
    expect([code, err]).toEqual([65, expect.stringContaining("HS_RECORD_MISSING")]);
    expect(out).toContain("host-b");
  });
});

test("a copy of the vault elsewhere is verified just as well, so that a backup can be checked", async () => {
  const cluster = await Cluster.used();
  const copy = join(folder, "copy");
  cpSync(dirname(cluster.file), copy, { recursive: true });
  expect(await hotspare(["vault", "verify", "--config", join(copy, "hotspare.yaml")])).toMatchObject({ code: 0 });
});

function replaceIn(file: string, pattern: RegExp, text: string): void {
  const before = readFileSync(file, "utf8");
  const after = before.replace(pattern, text);
  if (after === before) throw new Error(`${file} has nothing like ${pattern.source}`);
  chmodSync(file, 0o660);
  writeFileSync(file, after);
}
