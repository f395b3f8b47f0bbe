/**
 * What operators do with a cluster of real processes under load, each twice, each with wrong arguments, each also while another
 * host is down: nothing acknowledged is lost, and no request fails where none may.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { until } from "../until.ts";
import type { Status } from "./nodes.ts";
import { DETECTION_MS, Scenario } from "./scenario.ts";

const PATIENCE = { timeoutMs: 60_000, everyMs: 50 };
const TIMEOUT_MS = 240_000;
/** A pause that clients hardly notice; two processors run everything. */
const SHORT_MS = 3000;

const json = <T>(text: string): T => JSON.parse(text) as T;

interface Listed {
  readonly nodes: readonly { readonly node: string; readonly state: string; readonly role: string | null }[];
}

/** Lets the cluster run under load; ends with nothing lost and nothing failed. */
async function underLoad(
  run: (scenario: Scenario) => Promise<void>,
  { extra = "", through }: { readonly extra?: string; readonly through?: readonly string[] } = {},
): Promise<void> {
  const scenario = await Scenario.start({ proxies: 2, extra });
  const writers = await scenario.writeEach(through);
  await run(scenario);
  await scenario.more(writers);
  expect(await scenario.nothingIsLost()).toEqual([]);
}

async function stateOf(scenario: Scenario, node: string): Promise<string> {
  const { nodes } = json<Listed>(await scenario.nodes.command("node", "list", "--json"));
  return nodes.find((entry) => entry.node === node)?.state ?? "";
}

/** What a command that is to be refused says. */
async function refusal(scenario: Scenario, ...args: string[]): Promise<string> {
  const error = await scenario.nodes.command(...args).then(
    () => new Error("it was not refused"),
    (thrown: unknown) => thrown as Error,
  );
  return error.message;
}

/** The one that neither serves nor is named. */
const third = ({ hosts }: Scenario, ...others: string[]): string => hosts.find((host) => !others.includes(host)) ?? "";

describe("switchover", () => {
  test("moves the pool with nothing failed, twice, and while a host is down", { timeout: TIMEOUT_MS }, () =>
    underLoad(async (scenario) => {
      const { nodes } = scenario;
      const first = await scenario.settled();
      for (const to of ["host-b", "host-c"]) {
        const moved = json<{ pauseMs: number }>(
          await nodes.command("switchover", "--to", to, "--reason", "test", "--json"),
        );
        expect(moved.pauseMs).toBeLessThan(SHORT_MS);
        expect(await scenario.settled()).toBe(to);
      }
      expect(await refusal(scenario, "switchover", "--to", "host-c")).toContain("host-c serves it already");
      expect(await refusal(scenario, "switchover", "--to", "host-x")).toContain("HS_USAGE");
      await nodes.signal("host-b", "SIGKILL");
      expect(await refusal(scenario, "switchover", "--to", "host-b")).toContain("HS_HANDOVER_REFUSED");
      await nodes.command("switchover");
      expect(await scenario.settled({ standbys: 1 })).toBe(first);
      nodes.start("host-b");
      await scenario.settled();
    }),
  );

  test("a primary that is stopped hands over by itself", { timeout: TIMEOUT_MS }, () =>
    underLoad(async (scenario) => {
      for (let round = 0; round < 2; round += 1) {
        const primary = await scenario.settled();
        const epoch = await scenario.epoch();
        await scenario.nodes.signal(primary, "SIGTERM");
        expect(await scenario.settled({ standbys: 1, epoch: epoch + 1 })).not.toBe(primary);
        expect(await scenario.fence(epoch + 1)).toMatchObject({ cause: "the host stops" });
        scenario.nodes.start(primary);
        await scenario.settled();
      }
    }),
  );
});

describe("node offline and online", () => {
  test(
    "of the primary: the pool moves, the host stays out over restarts, and comes back",
    { timeout: TIMEOUT_MS },
    () =>
      underLoad(async (scenario) => {
        const { nodes } = scenario;
        const primary = await scenario.settled();
        await nodes.command("node", "offline", primary, "--reason", "new disks");
        expect(await scenario.settled({ standbys: 1 })).not.toBe(primary);
        expect(await nodes.command("node", "offline", primary)).toContain("is offline");
        await nodes.signal(primary, "SIGKILL");
        nodes.start(primary);
        await until(async () => (await nodes.report(primary))?.role === "offline", PATIENCE);
        expect(await refusal(scenario, "failover", "--to", primary, "--yes")).toContain("new disks");
        expect(await refusal(scenario, "switchover", "--to", primary)).toContain("new disks");
        expect(await refusal(scenario, "reenrol", primary)).toContain("node online");
        expect(await nodes.command("node", "online", primary)).toContain("and warm");
        expect(await nodes.command("node", "online", primary)).toContain("and warm");
        await nodes.command("switchover", "--to", primary);
      }),
  );

  test("while a host is down: the last one that could follow is not taken out", { timeout: TIMEOUT_MS }, () =>
    underLoad(async (scenario) => {
      const { nodes } = scenario;
      const primary = await scenario.settled();
      const dead = third(scenario, primary);
      const standby = third(scenario, primary, dead);
      await nodes.signal(dead, "SIGKILL");
      await nodes.command("node", "offline", standby);
      expect(await refusal(scenario, "node", "offline", primary)).toContain("HS_DECISION_REFUSED");
      expect(await stateOf(scenario, primary)).toBe("up");
      await nodes.command("node", "online", standby);
      await nodes.command("node", "offline", primary);
      expect(await scenario.settled({ standbys: 0 })).toBe(standby);
      expect(await refusal(scenario, "node", "offline", standby)).toContain("HS_DECISION_REFUSED");
      nodes.start(dead);
      await nodes.command("node", "online", primary);
      await scenario.settled();
    }),
  );

  test(
    "of the last host: it takes a checkpoint, and the pool rests until it is brought back",
    { timeout: TIMEOUT_MS },
    () =>
      underLoad(async (scenario) => {
        const { nodes } = scenario;
        const last = await scenario.settled();
        for (const host of scenario.hosts) if (host !== last) await nodes.command("node", "offline", host);
        expect(await refusal(scenario, "node", "offline", last)).toContain("--last");
        const before = await newestCheckpoint(scenario);
        await nodes.command("node", "offline", last, "--last");
        expect(await newestCheckpoint(scenario)).toBeGreaterThan(before);
        expect((await nodes.status()).pools[0]).toMatchObject({ state: "waiting", primary: null });
        for (const host of scenario.hosts) await nodes.command("node", "online", host);
        await scenario.settled();
      }),
  );
});

async function newestCheckpoint({ nodes }: Scenario): Promise<number> {
  const { pools } = json<{ pools: readonly { checkpoints: readonly { slot: number }[] }[] }>(
    await nodes.command("vault", "list", "--json"),
  );
  return Math.max(0, ...(pools[0]?.checkpoints.map(({ slot }) => slot) ?? []));
}

test(
  "node remove: the host has no part any more, cannot start again, and leaves nothing in the vault nor in the file",
  { timeout: TIMEOUT_MS },
  () =>
    underLoad(async (scenario) => {
      const { nodes } = scenario;
      const primary = await scenario.settled();
      const gone = third(scenario, primary);
      expect(await refusal(scenario, "node", "remove", gone, "--yes")).toContain("take it offline first");
      await nodes.command("node", "offline", gone);
      await nodes.command("node", "remove", gone, "--yes");
      expect(await nodes.command("node", "remove", gone)).toContain("is removed");
      await until(() => nodes.log(gone).includes("this host was removed from the cluster"), PATIENCE);
      await until(() => !readFileSync(nodes.config, "utf8").includes(`id: ${gone}`), PATIENCE);
      expect((await nodes.report(gone))?.role).toBe("offline");
      await nodes.signal(gone, "SIGKILL");
      const other = third(scenario, primary, gone);
      await nodes.command("switchover");
      expect(await scenario.settled({ standbys: 1 })).toBe(other);
      await until(() => !nodes.hints().some((name) => name.startsWith(`${gone}.`)), PATIENCE);
      expect(await refusal(scenario, "host", "--id", gone)).toContain(`has no host ${gone}`);
    }),
);

const knowsMaintenance = (status: Status | null): boolean => status !== null && status.maintenance !== null;

describe("maintenance", () => {
  test(
    "a killed primary is not replaced, also by a proxy that was restarted; it ends by itself",
    { timeout: TIMEOUT_MS },
    () =>
      underLoad(
        async (scenario) => {
          const { nodes } = scenario;
          const primary = await scenario.settled();
          const spanMs = 20_000;
          await nodes.command("maintenance", "on", "--reason", "test", "--for", `${spanMs}ms`);
          const beganMs = performance.now();
          await until(async () => (await nodes.status()).maintenance !== null, PATIENCE);
          await nodes.signal("proxy-2", "SIGKILL");
          const epoch = await scenario.epoch();
          await nodes.signal(primary, "SIGKILL");
          nodes.start("proxy-2");
          await until(async () => knowsMaintenance(await nodes.status("proxy-2").catch(() => null)), PATIENCE);
          await scenario.nobodyTakesOver(DETECTION_MS * 4);
          expect(performance.now() - beganMs).toBeLessThan(spanMs);
          expect(await nodes.command("maintenance")).toContain("test");
          expect(await scenario.settled({ standbys: 1, epoch: epoch + 1 })).not.toBe(primary);
          expect((await nodes.status()).maintenance).toBeNull();
          nodes.start(primary);
          await scenario.settled();
        },
        { extra: "park: { wait: 60s }", through: ["proxy-1"] },
      ),
  );

  test("what people order goes on; a stopped primary keeps its pool; off ends it, twice", { timeout: TIMEOUT_MS }, () =>
    underLoad(async (scenario) => {
      const { nodes } = scenario;
      const primary = await scenario.settled();
      expect(await refusal(scenario, "maintenance", "on")).toContain("--reason");
      await nodes.command("maintenance", "on", "--reason", "one");
      await nodes.command("maintenance", "on", "--reason", "two");
      expect(await nodes.command("maintenance")).toContain("two");
      await nodes.signal(primary, "SIGTERM");
      nodes.start(primary);
      expect(await scenario.settled()).toBe(primary);
      const next = third(scenario, primary);
      await nodes.command("failover", "--to", next, "--yes");
      expect(await scenario.settled()).toBe(next);
      await nodes.command("switchover", "--to", primary);
      expect(await scenario.settled()).toBe(primary);
      expect(await nodes.command("maintenance", "off")).toContain("no maintenance");
      expect(await nodes.command("maintenance", "off")).toContain("no maintenance");
      const epoch = await scenario.epoch();
      await nodes.signal(primary, "SIGKILL");
      expect(await scenario.settled({ standbys: 1, epoch: epoch + 1 })).not.toBe(primary);
      nodes.start(primary);
      await scenario.settled();
    }),
  );
});

describe("failover", () => {
  test("forces, twice, deposes a primary that lives, and works with a host down", { timeout: TIMEOUT_MS }, () =>
    underLoad(async (scenario) => {
      const { nodes } = scenario;
      const first = await scenario.settled();
      const second = third(scenario, first);
      await nodes.command("failover", "--to", second, "--reason", "test", "--yes");
      expect(await scenario.settled()).toBe(second);
      const [fence] = await scenario.fences();
      expect(fence?.cause).toMatch(/^failover by .*: test$/);
      expect(await refusal(scenario, "failover", "--to", second, "--yes")).toContain("serves pool main already");
      expect(await refusal(scenario, "failover", "--to", first)).toContain("--yes");
      expect(await refusal(scenario, "failover", "--to", "host-x", "--yes")).toContain("HS_USAGE");
      await nodes.signal(first, "SIGKILL");
      expect(await refusal(scenario, "failover", "--to", first, "--yes")).toContain("HS_PROMOTE_REFUSED");
      await nodes.command("failover", "--yes");
      expect(await scenario.settled({ standbys: 1 })).toBe(third(scenario, first, second));
      nodes.start(first);
      await scenario.settled();
    }),
  );

  test("without any proxy", { timeout: TIMEOUT_MS }, () =>
    underLoad(async (scenario) => {
      const { nodes } = scenario;
      const first = await scenario.settled();
      for (const proxy of scenario.proxies) await nodes.signal(proxy, "SIGSTOP");
      const epoch = await scenario.epoch();
      const second = third(scenario, first);
      await nodes.signal(first, "SIGKILL");
      await nodes.command("failover", "--to", second, "--yes");
      expect((await nodes.report(second))?.serving).toBe(true);
      for (const proxy of scenario.proxies) await nodes.signal(proxy, "SIGCONT");
      expect(await scenario.settled({ standbys: 1, epoch: epoch + 1 })).toBe(second);
      nodes.start(first);
      await scenario.settled();
    }),
  );
});

describe("rejoin: manual", () => {
  const extra = "rejoin: manual";

  test("a killed primary waits over restarts until it is re-enrolled, twice", { timeout: TIMEOUT_MS }, () =>
    underLoad(
      async (scenario) => {
        const { nodes } = scenario;
        const primary = await scenario.settled();
        const epoch = await scenario.epoch();
        await nodes.signal(primary, "SIGKILL");
        expect(await refusal(scenario, "reenrol", primary)).toContain("HS_UNREACHABLE");
        await scenario.settled({ standbys: 1, epoch: epoch + 1 });
        for (let start = 0; start < 2; start += 1) {
          nodes.start(primary);
          await until(async () => (await nodes.report(primary))?.role === "fenced", PATIENCE);
          if (start === 0) await nodes.signal(primary, "SIGKILL");
        }
        expect(await refusal(scenario, "switchover", "--to", primary)).toContain("fenced: deposed by");
        expect(await refusal(scenario, "reenrol", "host-x")).toContain("HS_USAGE");
        expect(await nodes.command("reenrol", primary, "--dry-run")).toContain("Nothing was changed.");
        expect((await nodes.report(primary))?.role).toBe("fenced");
        expect(await nodes.command("reenrol", primary)).toContain("it is warm");
        expect(await nodes.command("reenrol", primary)).toContain("it is warm");
        await nodes.command("switchover", "--to", primary);
      },
      { extra },
    ),
  );

  test("a primary that handed over comes back by itself, also one that was stopped", { timeout: TIMEOUT_MS }, () =>
    underLoad(
      async (scenario) => {
        const { nodes } = scenario;
        const primary = await scenario.settled();
        await nodes.command("switchover");
        const next = await scenario.settled();
        const epoch = await scenario.epoch();
        await nodes.signal(next, "SIGTERM");
        await scenario.settled({ standbys: 1, epoch: epoch + 1 });
        nodes.start(next);
        await scenario.settled();
        expect(next).not.toBe(primary);
      },
      { extra },
    ),
  );
});

describe("failback: auto", () => {
  test(
    "the pool goes back to the preferred host once it is well for long enough, not in maintenance",
    { timeout: TIMEOUT_MS },
    () =>
      underLoad(
        async (scenario) => {
          const { nodes } = scenario;
          const preferred = await scenario.settled();
          await nodes.command("maintenance", "on", "--reason", "test");
          await nodes.command("switchover");
          const other = await scenario.settled();
          await scenario.nobodyTakesOver(10_000);
          // Before the end: the pool may go back at once then.
          const epoch = await scenario.epoch();
          await nodes.command("maintenance", "off");
          expect(await scenario.settled({ epoch: epoch + 1 })).toBe(preferred);
          expect((await scenario.fence(epoch + 1)).cause).toMatch(/^failback: /);
          expect(other).not.toBe(preferred);
        },
        { extra: "failback: auto\nfailbackStable: 3s" },
      ),
  );
});
