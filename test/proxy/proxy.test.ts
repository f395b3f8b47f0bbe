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
        { id: "proxy-2", health: "unknown", agrees: null },
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
