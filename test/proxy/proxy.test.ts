import { createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../until.ts";
import { fenceOf } from "./fake-host.ts";
import { open, send } from "./relay/raw-client.ts";
import { startRunning, type Running } from "./running.ts";

let running: Running;
const serving = (host: string) => () => running.proxy.status().pools[0]!.primary === host;
const text = async (path: string): Promise<string> => (await send(running.admin, { path })).body;

describe("a proxy", () => {
  beforeEach(async () => {
    running = await startRunning();
    await until(serving("host-a"));
  });
  afterEach(() => running.stop());

  it("routes to the host that serves", async () => {
    expect((await send(running.listen)).body).toBe("host-a");
  });

  it("whose primary is killed under load loses no request, and the order goes to one host", async () => {
    const [a, b, c] = running.hosts;
    const load = { stopped: false };
    const results: string[] = [];
    const client = async (): Promise<void> => {
      while (!load.stopped) {
        const answer = await send(running.listen, { method: "POST" }, "w");
        results.push(answer.status === 200 ? answer.body : `failed ${answer.status}: ${answer.body}`);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    await until(() => results.length > 50);
    a.kill();
    await until(() => results.includes("host-b"));
    const after = results.length;
    await until(() => results.length > after + 50);
    load.stopped = true;
    await Promise.all(clients);
    expect([...new Set(results)].sort()).toEqual(["host-a", "host-b"]);
    expect([b.orders, c.orders]).toEqual([1, 0]);
    const served = running.lines.find(({ event, epoch }) => event === "served" && epoch === 2);
    expect(served).toMatchObject({ host: "host-b", phases: { cause: "refused" } });
  });

  it("whose primary is paused with requests on it sends them again to the next one, and none twice to the client", async () => {
    const [a, b] = running.hosts;
    a.state = "paused";
    const sent = Array.from({ length: 10 }, () => send(running.listen, { method: "POST" }, "w"));
    await until(() => a.received.length === 10);
    const bodies = (await Promise.all(sent)).map(({ body }) => body);
    expect(bodies).toEqual(Array.from({ length: 10 }, () => "host-b"));
    expect(b.received.map(({ headers }) => headers["hotspare-attempt"])).toEqual(Array.from({ length: 10 }, () => "2"));
    // It wakes and still believes that it serves: nobody is sent to it.
    a.state = "alive";
    expect((await send(running.listen)).body).toBe("host-b");
  });

  it("switches to a host that another proxy has ordered, as soon as it says that it serves", async () => {
    const [a, b, c] = running.hosts;
    c.serve(2);
    a.follow(fenceOf("host-c", 2, c.bootId));
    await until(serving("host-c"));
    expect((await send(running.listen)).body).toBe("host-c");
    expect(b.orders).toBe(0);
  });

  it("orders the next host when the first one is dead too", async () => {
    const [a, b, c] = running.hosts;
    b.kill();
    a.kill();
    expect((await send(running.listen, { method: "POST" }, "w")).body).toBe("host-c");
    expect(c.orders).toBe(1);
  });

  it("finishes what is on the way before it stops", async () => {
    const [a] = running.hosts;
    let finish: (() => void) | null = null;
    a.script = (_, response) => (finish = () => response.end("finished"));
    const sent = send(running.listen);
    await until(() => finish !== null);
    const stopped = running.proxy.stop();
    finish!();
    expect((await sent).body).toBe("finished");
    await stopped;
    await expect(send(running.listen)).rejects.toThrow(/ECONNREFUSED/);
  });

  it("shows its status as JSON, as a page, as metrics", async () => {
    await until(() => running.proxy.status().hosts.every(({ health }) => health === "up"));
    expect(JSON.parse(await text("/api/v1/status"))).toMatchObject({
      cluster: "test",
      pools: [
        {
          id: "main",
          state: "serving",
          epoch: 1,
          primary: "host-a",
          slot: 10,
          standbys: [{ host: "host-b", slot: 10, lagMs: 0 }, {}],
        },
      ],
      hosts: [{ id: "host-a", role: "primary", health: "up", version: "0.1.0" }, { role: "standby" }, {}],
      proxies: [
        { id: "proxy-1", health: "up", agrees: true },
        { id: "proxy-2", health: "suspect", agrees: null },
      ],
    });
    expect(await text("/")).toContain("host-a");
    await send(running.listen);
    const metrics = await text("/metrics");
    expect(metrics).toContain('hotspare_proxy_pool_epoch{pool="main"} 1');
    expect(metrics).toContain('hotspare_proxy_requests_total{pool="main",status="200"} 1');
    expect(await text("/live")).toBe('{"live":true}');
    expect((await send(running.admin, { path: "/ready" })).status).toBe(200);
  });

  it("shows how far each clock is ahead, and tells the host whose clock is off", async () => {
    const [, b] = running.hosts;
    b.clockAheadMs = -10_000;
    const offsets = (): (number | null)[] => running.proxy.status().hosts.map(({ clockOffsetMs }) => clockOffsetMs);
    await until(() => Math.abs((offsets()[1] ?? 0) + 10_000) < 1000 && !offsets().includes(null));
    await until(() => (b.heardClock?.offsetMs ?? 0) < -9_000);
    expect(running.hosts[0].heardClock?.offsetMs).toBeGreaterThan(-1000);
    const { hosts, proxies, self, clockDispute } = running.proxy.status();
    expect(hosts[1]!.clockDeviationMs).toBeLessThan(-9_000);
    expect(hosts[1]!.clockErrorMs).toBeGreaterThan(0);
    expect(proxies[0]).toMatchObject({ id: self, clockOffsetMs: 0, clockErrorMs: 0, quarantined: null });
    expect(clockDispute).toBeNull();
    const metrics = await text("/metrics");
    expect(metrics).toMatch(/hotspare_clock_offset_seconds\{peer="host-b"\} -(?:9\.|10)/);
    expect(metrics).toMatch(/hotspare_clock_error_seconds\{peer="host-b"\} 0\./);
    expect(metrics).not.toContain('peer="proxy-1"');
    expect(metrics).toContain("hotspare_quarantined 0");
  });

  it("whose own clock is off says so, and says when it is right again", async () => {
    const quarantined = (): string | null => running.proxy.status().proxies[0]!.quarantined;
    for (const host of running.hosts) host.clockAheadMs = 10_000;
    await until(() => quarantined() !== null);
    expect(quarantined()).toMatch(/^its clock is (?:9\d{3}|10\d{3}) ms \(± \d+ ms\) behind the median$/);
    expect(await text("/")).toContain("in quarantine: its clock is");
    expect(await text("/metrics")).toContain("hotspare_quarantined 1");
    for (const host of running.hosts) host.clockAheadMs = 0;
    await until(() => quarantined() === null, { timeoutMs: 20_000 });
    const lines = running.lines.filter(({ event }) => event === "quarantine");
    expect(lines).toMatchObject([
      { node: "proxy-1", reason: expect.stringContaining("behind") as string },
      { node: "proxy-1", reason: null },
    ]);
  });

  it("shows that two clocks differ where nobody can say whose is wrong", async () => {
    const [a, b] = running.hosts;
    a.clockAheadMs = b.clockAheadMs = 10_000;
    await until(() => running.proxy.status().clockDispute !== null);
    expect(await text("/")).toMatch(/the clock of host-[ab] is \d+ ms .* ahead of that of (?:host-c|proxy-1)/);
    expect(running.proxy.status()).toMatchObject({ proxies: [{ quarantined: null }, {}] });
  });

  it("answers on its admin listener to names of loopback only: no page elsewhere can read it", async () => {
    expect((await send(running.admin, { path: "/api/v1/status", headers: { Host: "evil.example" } })).status).toBe(421);
  });

  it("tells of changes as they happen, and of those before to who asks from where it was", async () => {
    const events = open(running.admin, { path: "/api/v1/events" });
    events.end();
    await until(() => events.began());
    running.hosts[0].kill();
    await until(serving("host-b"));
    await running.proxy.stop();
    const { body } = await events.answer;
    expect(body).toMatch(/event: served[^]*event: verdict[^]*"host":"host-a"[^]*event: ordered[^]*event: served/);
    expect(body).toMatch(/^id: \d+$/m);
  });

  it("tells what has changed so far as one object to who does not want to wait", async () => {
    const headers = { Accept: "application/json" };
    const { body } = await send(running.admin, { path: "/api/v1/events", headers });
    const all = JSON.parse(body) as { readonly events: readonly { readonly number: number }[] };
    expect(all).toMatchObject({ cluster: "test", self: "proxy-1" });
    expect(all.events).toContainEqual(expect.objectContaining({ type: "served", pool: "main", host: "host-a" }));
    const last = all.events.at(-2)!.number;
    const rest = await send(running.admin, {
      path: "/api/v1/events",
      headers: { ...headers, "Last-Event-ID": `${last}` },
    });
    expect(JSON.parse(rest.body)).toMatchObject({ events: [{ number: last + 1 }] });
  });
});

describe("a proxy that cannot start", () => {
  it("because its port is taken says so, and leaves nothing open", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const start = startRunning((config) => ({
      ...config,
      proxies: config.proxies.map((proxy) => ({ ...proxy, admin: { host: "127.0.0.1", port } })),
    }));
    await expect(start).rejects.toMatchObject({ code: "HS_PORT_TAKEN", details: { what: "admin" } });
    await new Promise((resolve) => taken.close(resolve));
  });

  it("because its admin listener would be open to others says so", async () => {
    const start = startRunning((config) => ({
      ...config,
      proxies: config.proxies.map((proxy) => ({ ...proxy, admin: { host: "0.0.0.0", port: 0 } })),
    }));
    await expect(start).rejects.toMatchObject({ code: "HS_CONFIG_INVALID", exit: 78 });
  });
});
