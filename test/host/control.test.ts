import { once } from "node:events";
import { Agent, request } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import { Counter, Gauge, Registry } from "prom-client";
import { afterEach, describe, expect, it } from "vitest";
import { startControl, type Control, type ControlHandlers, type ControlOptions } from "../../host/control.ts";
import { HotspareError } from "../../shared/errors.ts";
import { RECORD_FORMATS } from "../../shared/journal/record-formats.ts";
import type { ClockOffset } from "../../shared/wire/messages.ts";
import { KeyRing, type Secret } from "../../shared/signature/key-ring.ts";
import type { TlsIdentity } from "../../shared/tls/tls-identity.ts";
import { systemClock } from "../../shared/system-clock.ts";
import type { MessageRefused } from "../../shared/wire/message-server.ts";
import type { Request } from "../../shared/wire/messages.ts";
import { HOST, HOST_BOOT, SECRET, startClient } from "../shared/wire/nodes.ts";
import { CONTROL_TUNING, controlOptions, refusing } from "./control-options.ts";
import { until } from "../until.ts";
import { POOL } from "./control-report.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const PROMOTE: Request<"promote"> = { pool: "main", bootId: HOST_BOOT, fence: null, cause: "test", votes: [] };

const serve: ControlHandlers = {
  ...refusing("nobody asks for this"),
  promote: async () => ({ outcome: "serving", reason: "done", fence: null, phases: { fence: 3 } }),
  vote: async ({ fence }) => ({ verdict: "unsure", reason: `asked for ${fence}`, stillMs: 7 }),
  appended: async ({ slot }) => ({ slot }),
  checkpoint: async () => ({ slot: 1, stateHash: "0".repeat(64), bytes: 5, durationMs: 1 }),
  configuration: async () => ({
    hash: "c",
    values: [{ path: "rejoin", text: "auto" }],
    problem: null,
    pendingRestart: [],
  }),
  "finish-upgrade": async ({ dryRun }) => ({ from: 1, to: 2, raised: !dryRun, slot: 12 }),
};

async function control(options: Partial<ControlOptions> = {}, tls: TlsIdentity | null = null): Promise<Control> {
  const started = await startControl(controlOptions(serve, options), tls);
  stops.push(() => started.stop());
  return started;
}

function speak(started: Control, options: Parameters<typeof startClient>[0] = {}) {
  const client = startClient(options);
  stops.push(() => client.close());
  const to = { to: HOST, address: started.address, timeoutMs: 5000 };
  return {
    heartbeat: (clock: ClockOffset | null = null, bootId: string | null = HOST_BOOT) =>
      client.send("heartbeat", { ...to, body: { bootId, originMs: 1, clock } }),
    promote: (body = PROMOTE) => client.send("promote", { ...to, body }),
    vote: (bootId: string = HOST_BOOT) =>
      client.send("vote", { ...to, body: { pool: "main", bootId, fence: "3".repeat(32) } }),
    appended: () => client.send("appended", { ...to, body: { pool: "main", slot: 9 } }),
    configuration: () => client.send("configuration", { ...to, body: {} }),
    checkpoint: () => client.send("checkpoint", { ...to, body: { pool: "main", reason: "test" } }),
    finish: () => client.send("finish-upgrade", { ...to, body: { pool: "main", dryRun: false } }),
  };
}

describe("a host's control listener", () => {
  it("answers messages, probes and metrics from what the main thread published", async () => {
    const refused: MessageRefused[] = [];
    const started = await control({ onRefused: (refusal) => refused.push(refusal) });
    started.publish([POOL]);
    started.probe({ ok: true, ageMs: 0, latencyMs: 4 });
    expect(await speak(started).heartbeat()).toMatchObject({
      type: "answer",
      answer: { report: { host: HOST, bootId: HOST_BOOT, probe: { ok: true, latencyMs: 4 }, pools: [POOL] } },
    });
    const report = { node: process.versions.node, formats: { records: RECORD_FORMATS } };
    expect(await speak(started).heartbeat()).toMatchObject({ answer: { report } });
    expect(await speak(started).finish()).toMatchObject({ answer: { from: 1, to: 2, raised: true, slot: 12 } });
    for (const method of ["GET", "HEAD"]) {
      const primary = await ask(started, method, "/primary?pool=main");
      expect(primary.status).toBe(200);
      expect(primary.type).toContain("application/json");
      expect(primary.body === "").toBe(method === "HEAD");
      expect((await ask(started, method, "/standby")).status).toBe(503);
      expect((await ask(started, method, "/nothing")).status).toBe(404);
    }
    await speak(started, { secret: Buffer.alloc(32, 9) }).heartbeat();
    await until(() => refused.length > 0, { timeoutMs: 5000 });
    expect(refused).toMatchObject([{ code: "HS_SIGNATURE_INVALID", from: null }]);
    const { body } = await ask(started, "GET", "/metrics");
    expect(body).toContain('hotspare_is_primary{pool="main"} 1');
    expect(body).toContain('hotspare_epoch{pool="main"} 3');
    expect(body).toContain('hotspare_lag_seconds{pool="main"} 0');
    expect(body).toContain('hotspare_messages_refused_total{code="HS_SIGNATURE_INVALID"} 1');
    await started.stop();
    expect(await speak(started).heartbeat()).toMatchObject({ kind: "refused" });
  });

  it("shows what the main thread measured last while it stands still, with ages that go on growing", async () => {
    const register = new Registry();
    const age = new Gauge({ name: "hotspare_checkpoint_age_seconds", help: "age", registers: [register] });
    age.set(5);
    new Counter({ name: "hotspare_checkpoints_total", help: "count", registers: [register] }).inc(3);
    const started = await control({ registers: [register] });
    const figure = async (name: string): Promise<number> => {
      const { body } = await ask(started, "GET", "/metrics");
      return Number(new RegExp(`^${name}(?:{[^}]*})? (.*)$`, "m").exec(body)?.[1]);
    };
    await until(async () => (await figure("hotspare_checkpoints_total")) === 3);
    const measured = await figure("hotspare_checkpoint_age_seconds");
    // It is said again once a second, so within one of these looks the thread adds what passed since then.
    await until(async () => (await figure("hotspare_checkpoint_age_seconds")) > measured);
    expect(await figure("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(await figure("nodejs_heap_size_used_bytes")).toBeGreaterThan(0);
    expect(await figure("hotspare_peer_last_seen_seconds")).toBeNaN();
    await speak(started).heartbeat();
    await until(async () => (await figure("hotspare_peer_last_seen_seconds")) >= 0);
  });

  it("distrusts its clock when proxies say so for a while, says so everywhere, and trusts it again", async () => {
    const told: (string | null)[] = [];
    const rules = { boundMs: 500, patienceMs: 20, returnMs: 20, voiceMs: 60_000 };
    const started = await control({
      tuning: { ...CONTROL_TUNING, quarantine: rules },
      onQuarantine: (reason) => told.push(reason),
    });
    const { heartbeat } = speak(started);
    const hears = async (offsetMs: number): Promise<string | null> => {
      const heard = await heartbeat({ offsetMs, errorMs: 1 });
      return heard.type === "answer" ? (heard.answer.report.quarantined ?? null) : "no answer";
    };
    await heartbeat({ offsetMs: 2000, errorMs: 1 }, null);
    expect((await ask(started, "GET", "/metrics")).body).not.toContain("hotspare_clock_deviation_seconds{");
    expect(await hears(2000)).toBeNull();
    await until(async () => (await hears(2000)) !== null);
    const reason = "its clock is 2000 ms (± 1 ms) ahead of the median";
    expect(await hears(2000)).toBe(reason);
    const metrics = (await ask(started, "GET", "/metrics")).body;
    expect(metrics).toContain("hotspare_quarantined 1");
    expect(metrics).toContain('hotspare_clock_deviation_seconds{peer="proxy-1"} 2');
    expect(JSON.parse((await ask(started, "GET", "/live")).body)).toMatchObject({ quarantined: reason });
    await until(async () => (await hears(1)) === null);
    await until(() => told.length === 2);
    expect(told).toEqual([reason, null]);
    expect((await ask(started, "GET", "/metrics")).body).toContain("hotspare_quarantined 0");
  });

  it("takes replaced keys into use while it runs, says which it accepts, and answers with the key it was asked with", async () => {
    const later = Buffer.alloc(32, 9);
    const ring = new KeyRing([SECRET], systemClock);
    const started = await control({ secret: ring });
    const ids = new KeyRing([SECRET, later], systemClock).keyIds();
    const keysBy = async (secret: Secret) => {
      const result = await speak(started, { secret }).heartbeat();
      return result.type === "answer" ? result.answer.report.keys : result.kind;
    };
    expect(await keysBy(later)).toBe("rejected");
    expect(await keysBy(SECRET)).toEqual([ids[0]]);
    ring.replace([later, SECRET]);
    await until(async () => (await keysBy(SECRET))?.length === 2);
    // Each of these two knows one key only.
    expect(await keysBy(SECRET)).toEqual([ids[1], ids[0]]);
    expect(await keysBy(later)).toEqual([ids[1], ids[0]]);
    const probe = JSON.parse((await ask(started, "GET", "/live")).body) as { keys: readonly string[] };
    expect(probe.keys).toEqual([ids[1], ids[0]]);
  });

  it("answers heartbeats while the main thread is blocked, and begins no order that it has refused", async () => {
    const orders: string[] = [];
    const started = await control({
      tuning: { ...CONTROL_TUNING, stalledMs: 100 },
      handlers: {
        ...serve,
        promote: async ({ cause }) => {
          orders.push(cause);
          return { outcome: "serving", reason: "done", fence: null, phases: {} };
        },
      },
    });
    started.publish([POOL]);
    // Another thread asks, since this one is the main thread that stands still.
    const heard = new Int32Array(new SharedArrayBuffer(4));
    const asker = new Worker(new URL("./control-asker-thread.ts", import.meta.url), {
      workerData: { address: started.address, secret: SECRET, heard },
    });
    stops.push(() => asker.terminate());
    const told = once(asker, "message");
    // Blocked until the asker has what it wants: all its answers came meanwhile.
    expect(Atomics.wait(heard, 0, 0, 20_000)).not.toBe("timed-out");
    expect(await told).toEqual([{ live: 503, outcome: "refused", grew: true, pools: 1 }]);
    await speak(started).promote({ ...PROMOTE, cause: "later" });
    expect(orders).toEqual(["later"]);
  });

  it("carries an order to the main thread, refuses one for another start, accepts one that takes long", async () => {
    const orders: unknown[] = [];
    let finish = (): void => {};
    const started = await control({
      handlers: {
        ...serve,
        promote: async (order, from) => {
          orders.push(order, from);
          if (order.cause === "long") await new Promise<void>((resolve) => (finish = resolve));
          return { outcome: "serving", reason: "done", fence: null, phases: { fence: 3 } };
        },
      },
    });
    const other = await speak(started).promote({ ...PROMOTE, bootId: "e".repeat(32) });
    expect(other).toMatchObject({ kind: "rejected", code: "HS_MESSAGE_BOOT", details: { accepted: HOST_BOOT } });
    expect(await speak(started).promote()).toMatchObject({ answer: { outcome: "serving", phases: { fence: 3 } } });
    expect(orders).toEqual([PROMOTE, "proxy-1"]);
    expect(await speak(started).promote({ ...PROMOTE, cause: "long" })).toMatchObject({
      answer: { outcome: "accepted" },
    });
    finish();
  });

  it("says how the host stands to its configuration as it was told last, in heartbeats, metrics and answers", async () => {
    const started = await control();
    const standing = {
      configHash: "d",
      candidate: false,
      configProblem: "hotspare.yaml:3: no",
      pendingRestart: ["hosts[host-a].data"],
    };
    started.configure({ ...CONTROL_TUNING, voteWaitMs: 10, standing });
    expect(await speak(started).heartbeat()).toMatchObject({ answer: { report: standing } });
    const { body } = await ask(started, "GET", "/metrics");
    expect(body).toContain("hotspare_config_problem 1");
    expect(body).toContain("hotspare_config_pending_restart 1");
    expect(await speak(started).configuration()).toMatchObject({
      answer: { values: [{ path: "rejoin", text: "auto" }], problem: null },
    });
  });

  it("carries a question for a vote, refuses one for another start, and says so when the answer takes too long", async () => {
    const started = await control();
    expect(await speak(started).vote()).toMatchObject({
      answer: { verdict: "unsure", reason: `asked for ${"3".repeat(32)}`, stillMs: 7 },
    });
    expect(await speak(started).vote("e".repeat(32))).toMatchObject({ kind: "rejected", code: "HS_MESSAGE_BOOT" });
    const slow = await control({
      tuning: { ...CONTROL_TUNING, voteWaitMs: 20 },
      handlers: { ...serve, vote: () => new Promise(() => undefined) },
    });
    expect(await speak(slow).vote()).toMatchObject({ kind: "rejected", code: "HS_MAIN_STALLED" });
  });

  it("a refusal of the main thread keeps its code; an unexpected error fails the host and is told to nobody", async () => {
    const failures: unknown[] = [];
    const started = await control({
      handlers: {
        ...serve,
        appended: () => Promise.reject(new HotspareError("HS_NOT_PRIMARY", { pool: "main" })),
        checkpoint: () => Promise.reject(new Error("inner detail")),
      },
      onFailed: (error) => failures.push(error),
    });
    expect(await speak(started).appended()).toMatchObject({ kind: "rejected", code: "HS_NOT_PRIMARY" });
    const result = await speak(started).checkpoint();
    expect(result).toMatchObject({ kind: "rejected", code: "HS_INTERNAL" });
    expect(JSON.stringify(result)).not.toContain("inner detail");
    expect(failures).toHaveLength(1);
  });

  it("a taken address is one clear error that names it", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    stops.push(() => other.close());
    const { port } = other.address() as AddressInfo;
    const host = { id: HOST, control: { host: "127.0.0.1", port }, candidate: true };
    await expect(control({ host })).rejects.toMatchObject({
      code: "HS_PORT_TAKEN",
      message: expect.stringContaining(`127.0.0.1:${port}`) as string,
    });
  });
});

function ask(started: Control, method: string, path: string): Promise<{ status: number; type: string; body: string }> {
  return new Promise((resolve, reject) => {
    const agent = new Agent();
    const asking = request({ ...started.address, method, path, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        agent.destroy();
        const type = response.headers["content-type"] ?? "";
        resolve({ status: response.statusCode ?? 0, type, body: Buffer.concat(chunks).toString() });
      });
    });
    asking.on("error", reject);
    asking.end();
  });
}
