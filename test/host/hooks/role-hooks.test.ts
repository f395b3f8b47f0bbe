/** Hooks beside real pools: who is told what when roles change, and what a refusal before a handover does. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Handover } from "../../../host/handover.ts";
import type { PeerClient, PeerResult } from "../../../host/host-parts.ts";
import type { CallHook, HookCall, HookOutcome } from "../../../host/hooks/hook-call.ts";
import type { HookEvent } from "../../../host/hooks/hook-event.ts";
import { RoleHooks } from "../../../host/hooks/role-hooks.ts";
import type { HostedPool } from "../../../host/pool.ts";
import type { HookConfig, HookMoment } from "../../../shared/config/config.ts";
import { parseNodeId, parsePoolId, parseVaultId } from "../../../shared/ids.ts";
import { silentLog } from "../../../shared/log.ts";
import { systemRandom } from "../../../shared/random.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { until } from "../../until.ts";
import { add, Cluster, POOL } from "../cluster.ts";

let cluster: Cluster;
let told: HookEvent[];
/** What each `hooks[…]` answers; done if absent. */
let answers: Map<string, (call: HookCall) => HookOutcome | Promise<HookOutcome>>;
let hooked: RoleHooks[];
beforeEach(() => {
  [cluster, told, answers, hooked] = [new Cluster(), [], new Map(), []];
});
afterEach(async () => {
  for (const hooks of hooked) await hooks.stop();
  await cluster.end();
  expect(cluster.died).toEqual([]);
});

const hook = (name: string, on: readonly HookMoment[], pools: HookConfig["pools"] = null): HookConfig => ({
  name,
  on,
  action: { type: "command", command: [name] },
  timeoutMs: 1000,
  pools,
});
const EVERY = hook("every", ["primary", "fenced", "standby", "offline"]);

const call: CallHook = async (asked) => {
  const { action, event } = asked;
  told.push(event);
  const name = action.type === "command" ? action.command[0] : "";
  return (await answers.get(name)?.(asked)) ?? { type: "done", output: "" };
};

const failing = (output: string) => (): HookOutcome => ({
  type: "failed",
  reason: "it ended with exit code 1",
  output,
});

/** Until the host stops. */
const hanging = ({ signal }: HookCall): Promise<HookOutcome> =>
  new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve({ type: "failed", reason: "the host stops", output: "" }));
  });

async function start(host: string, hooks: readonly HookConfig[], first = false): Promise<HostedPool> {
  const pool = await cluster.start(host, { first });
  hooksOf(pool, host, hooks).start();
  return pool;
}

function hooksOf(pool: HostedPool, host: string, hooks: readonly HookConfig[]): RoleHooks {
  const config = { file: "/etc/hotspare.yaml", cluster: "shop", secret: { env: "KEY" }, hooks };
  const options = { call, clock: systemClock, random: systemRandom, log: silentLog };
  const made = new RoleHooks({ self: parseNodeId(host), config, pool, ...options });
  hooked.push(made);
  return made;
}

const eventsOf = (host: string): HookMoment[] => told.filter((event) => event.host === host).map(({ event }) => event);

describe("hooks after a change of role", () => {
  it("hear of the first role, and of a takeover on both sides: who served, who serves, why, by whom", async () => {
    const a = await start("host-a", [EVERY], true);
    await until(() => eventsOf("host-a").includes("primary"));
    const b = await start("host-b", [EVERY]);
    await a.write(add("x"));
    await until(() => b.fence !== null);
    expect(await cluster.promote(b)).toMatchObject({ outcome: "serving" });
    await until(() => eventsOf("host-a").length === 4 && eventsOf("host-b").length === 2);
    expect(eventsOf("host-a")).toEqual(["standby", "primary", "fenced", "standby"]);
    expect(eventsOf("host-b")).toEqual(["standby", "primary"]);
    expect(told[0]).toMatchObject({
      cluster: "shop",
      pool: "main",
      epoch: null,
      cause: "the host starts",
      previous: null,
    });
    const [primary] = told.filter(({ event, host }) => event === "primary" && host === "host-b");
    expect(primary).toMatchObject({ epoch: 2, previous: "host-a", successor: null, cause: "test", by: "proxy-1" });
    const [fenced] = told.filter(({ event }) => event === "fenced");
    expect(fenced).toMatchObject({ host: "host-a", epoch: 2, previous: "host-a", successor: "host-b" });
    expect(fenced?.cause).not.toBe("");
  });

  it("are not asked before a failover, and cannot hinder one, whatever they do", async () => {
    answers.set("veto", failing("no"));
    answers.set("every", hanging);
    const a = await start("host-a", [hook("veto", ["before-handover"])], true);
    const b = await start("host-b", [hook("veto", ["before-handover"]), EVERY]);
    await until(() => a.serving && b.fence !== null);
    expect(await cluster.promote(b)).toMatchObject({ outcome: "serving" });
    expect(b.serving).toBe(true);
    expect(told.map(({ event }) => event)).not.toContain("before-handover");
  });

  it("hear only of their pools and their moments", async () => {
    const others = hook("others", ["standby", "primary"], [parsePoolId("other")]);
    const own = hook("own", ["primary"], [POOL]);
    const a = await start("host-a", [others, own], true);
    await until(() => a.serving && told.length > 0);
    expect(told.map(({ event }) => event)).toEqual(["primary"]);
  });

  it("hear that an operator takes the host out, with the reason, and that it is back", async () => {
    const a = await start("host-a", [EVERY], true);
    const b = await start("host-b", [EVERY]);
    await until(() => a.serving && b.fence !== null);
    b.decided("taken offline by ann: new disks");
    b.decided(null);
    await until(() => eventsOf("host-b").length === 3);
    const [, offline, back] = told.filter(({ host }) => host === "host-b");
    expect(offline).toMatchObject({ event: "offline", cause: "taken offline by ann: new disks", successor: "host-a" });
    expect(back).toMatchObject({ event: "standby", previous: null, epoch: 1 });
  });

  it("hear of the end of a primary that stops", async () => {
    const a = await start("host-a", [EVERY], true);
    await until(() => a.serving);
    await a.stop();
    await hooked[0]?.stop();
    expect(eventsOf("host-a").slice(0, 3)).toEqual(["standby", "primary", "fenced"]);
    expect(told[2]).toMatchObject({ cause: "the host stops", previous: "host-a" });
  });
});

describe("hooks before a handover", () => {
  const VETO = hook("veto", ["before-handover"]);
  const LATER = hook("later", ["before-handover"]);

  async function pair(): Promise<{ a: HostedPool; b: HostedPool; handover: Handover }> {
    const [a, b] = [await cluster.start("host-a", { first: true }), await cluster.start("host-b")];
    await until(() => a.serving);
    await a.write(add("x"));
    await until(() => b.lsn === a.lsn && b.lsn > 0);
    return { a, b, handover: handoverOf(a, b, hooksOf(a, "host-a", [VETO, LATER])) };
  }

  const ask = { pool: POOL, bootId: "0".repeat(32), to: null, by: "ann", cause: "new disks", dryRun: false };

  it("are asked in the order of the file, and told who is to follow", async () => {
    const { a, b, handover } = await pair();
    expect(await handover.run(ask)).toMatchObject({ successor: "host-b" });
    expect(told).toMatchObject([
      { event: "before-handover", host: "host-a", epoch: 1, successor: "host-b", cause: "new disks", by: "ann" },
      { event: "before-handover" },
    ]);
    expect([a.serving, b.serving]).toEqual([false, true]);
  });

  it("abort it by failing: nothing has changed, the next ones are not asked, and the reason names it", async () => {
    const { a, b, handover } = await pair();
    answers.set("veto", failing("one\nthe backup runs\n"));
    const reason = "veto is against it: it ended with exit code 1: the backup runs";
    const { slot } = a.report(0);
    await expect(handover.run(ask)).rejects.toMatchObject({ code: "HS_HANDOVER_REFUSED", details: { reason } });
    await expect(handover.leave("taken offline", { insists: false })).rejects.toThrow(reason);
    await expect(handover.rest("taken offline")).rejects.toThrow(reason);
    expect([a.serving, b.serving, a.report(0).slot, told.length]).toEqual([true, false, slot, 3]);
    await a.write(add("x"));
    answers.clear();
    expect(await handover.run(ask)).toMatchObject({ successor: "host-b" });
  });

  it("are asked, and overruled, when the host stops", async () => {
    const { a, b, handover } = await pair();
    answers.set("veto", failing("no"));
    expect(await handover.leave("the host stops", { insists: true })).toBe(true);
    expect([a.serving, b.serving, told.length]).toEqual([false, true, 2]);
  });

  it("are not asked by a question that changes nothing", async () => {
    const { handover } = await pair();
    await handover.run({ ...ask, dryRun: true });
    expect(told).toEqual([]);
  });

  it("do not release a pool whose successor is gone by the time that they allow it", async () => {
    const { a, b, handover } = await pair();
    answers.set("later", async () => {
      await b.stop();
      return { type: "done", output: "" };
    });
    await expect(handover.run(ask)).rejects.toMatchObject({ code: "HS_HANDOVER_REFUSED" });
    expect(a.serving).toBe(true);
  });
});

const VAULT_ID = parseVaultId("5".repeat(32));

function handoverOf(pool: HostedPool, other: HostedPool, hooks: RoleHooks): Handover {
  const address = { host: "127.0.0.1", port: 1 };
  return new Handover({
    self: parseNodeId("host-a"),
    pool,
    hosts: () => [
      { id: parseNodeId("host-a"), control: address },
      { id: parseNodeId("host-b"), control: address },
    ],
    proxies: () => [],
    rules: () => ({
      vaultId: VAULT_ID,
      preferred: [],
      storageFreshMs: 1000,
      warmMs: 2000,
      offline: () => null,
    }),
    timeoutMs: 1000,
    takeoverMs: 10_000,
    hooks,
    client: clientTo(other),
    clock: systemClock,
    log: silentLog,
  });
}

function clientTo(pool: HostedPool): PeerClient {
  const report = () => ({
    host: parseNodeId("host-b"),
    bootId: "0".repeat(32),
    vaultId: VAULT_ID,
    version: "test",
    configHash: "c",
    candidate: true,
    mainTickAgeMs: 0,
    probe: { ok: true, ageMs: 0, latencyMs: 1, reason: "" },
    pools: [pool.report(systemClock.monotonicMs())],
  });
  return {
    send: async (name, { body }) => {
      const answer =
        name === "heartbeat"
          ? { report: report() }
          : await pool.promote(body as Parameters<HostedPool["promote"]>[0], parseNodeId("host-a"));
      return { type: "answer", answer } as PeerResult<typeof name>;
    },
    close: () => undefined,
  };
}
