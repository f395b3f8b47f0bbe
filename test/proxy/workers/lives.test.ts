/** Worker processes that die, hang or lose their parent: what their clients see, and what is left of them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { HotspareError } from "../../../shared/errors.ts";
import { Authority } from "../../certificates.ts";
import { until } from "../../until.ts";
import { send } from "../relay/raw-client.ts";
import { startWorkers, type CarrierShape, type WorkerCarrier } from "./carrier.ts";
import { keepingClients, workersSeen } from "./keeping-client.ts";
import type { ParentNews } from "./parent-main.ts";

let carrier: WorkerCarrier;

const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const metricsText = async (): Promise<string> => (await carrier.traffic.metrics()).metrics();

describe.each([
  ["of its own each", {}],
  ["for all", { socket: "common" }],
] satisfies [string, CarrierShape][])("a worker that is killed, with a socket %s", (_, shape) => {
  afterEach(() => carrier.stop());

  it("breaks its clients' connections and nobody else's, and another one comes in its place", async () => {
    carrier = await startWorkers(shape);
    carrier.routeTo(carrier.a);
    const clients = await keepingClients(carrier);
    const [victim = 0] = carrier.traffic.pids();
    process.kill(victim, "SIGKILL");
    await until(() => clients.some(({ failure }) => failure !== null));
    await until(() => carrier.traffic.workers().serving === 2);
    const before = clients.map(({ answers }) => answers);
    await until(() => clients.every(({ answers, failure }, at) => failure !== null || answers > (before[at] ?? 0)));
    await Promise.all(clients.map((client) => client.stop()));
    const workersOf = (isBroken: boolean): string[] => [
      ...new Set(clients.filter(({ failure }) => (failure !== null) === isBroken).map(({ worker }) => worker)),
    ];
    expect([workersOf(true).length, workersOf(false).length]).toEqual([1, 1]);
    expect(workersOf(true)).not.toEqual(workersOf(false));
    expect(carrier.traffic.pids()).not.toContain(victim);
    const reason = "it was killed by SIGKILL";
    expect(carrier.events).toContainEqual(expect.objectContaining({ event: "worker-ended", reason }));
  });

  it("has a successor that knows what changed meanwhile", async () => {
    carrier = await startWorkers(shape);
    carrier.routeTo(carrier.b);
    process.kill(carrier.traffic.pids()[0] ?? 0, "SIGKILL");
    await until(() => carrier.traffic.workers().serving === 1);
    carrier.routeTo(carrier.a);
    carrier.logTimeMs = 5000;
    await until(() => carrier.traffic.workers().serving === 2);
    carrier.traffic.hostLives(carrier.a.id, 0);
    await until(async () => (await send(carrier.address)).body === "host-a");
    await until(async () => {
      expect((await send(carrier.address)).body).toBe("host-a");
      return workersSeen(carrier).size === 2;
    });
    expect(carrier.a.received.at(-1)?.headers["hotspare-log-time"]).toBe("5000");
  });
});

describe("a worker", () => {
  afterEach(() => carrier.stop());

  it("that is killed takes nothing away from what was counted", async () => {
    carrier = await startWorkers();
    carrier.routeTo(carrier.a);
    await Promise.all(Array.from({ length: 24 }, () => send(carrier.address)));
    const counted = 'hotspare_proxy_requests_total{pool="main",status="200"} 24';
    expect(await metricsText()).toContain(counted);
    expect(await metricsText()).toContain("hotspare_proxy_worker_restarts_total 0");
    for (const pid of carrier.traffic.pids()) process.kill(pid, "SIGKILL");
    await until(() => carrier.traffic.workers().serving === 0);
    expect(await metricsText()).toContain(counted);
    expect(await metricsText()).toContain("hotspare_proxy_workers 0");
    await until(() => carrier.traffic.workers().serving === 2);
    expect(await metricsText()).toContain(counted);
    expect(await metricsText()).toContain("hotspare_proxy_worker_restarts_total 2");
    await send(carrier.address);
    expect(await metricsText()).toContain(counted.replace("24", "25"));
  });

  it("that stands still is killed, and another one comes in its place", async () => {
    carrier = await startWorkers({ patience: { pingMs: 300, pings: 10 } });
    const [victim = 0, other] = carrier.traffic.pids();
    process.kill(victim, "SIGSTOP");
    await until(() => !carrier.traffic.pids().includes(victim), { timeoutMs: 20_000 });
    await until(() => carrier.traffic.workers().serving === 2);
    expect(carrier.traffic.pids()).toContain(other);
    const reason = "it was killed by SIGKILL: its loop stood still";
    expect(carrier.events).toContainEqual(expect.objectContaining({ event: "worker-ended", reason }));
  });

  it("that stands still delays neither what the others say nor a stop", async () => {
    carrier = await startWorkers({ patience: { stopMs: 50 } });
    const pids = carrier.traffic.pids();
    process.kill(pids[0] ?? 0, "SIGSTOP");
    expect(await metricsText()).toContain("hotspare_proxy_workers 2");
    await carrier.traffic.stop(0);
    expect(pids.filter(isThere)).toEqual([]);
  });

  it("does not end by a signal that goes to all processes of a terminal", async () => {
    carrier = await startWorkers();
    carrier.routeTo(carrier.a);
    const pids = carrier.traffic.pids();
    for (const pid of pids) for (const signal of ["SIGINT", "SIGTERM"] as const) process.kill(pid, signal);
    await Promise.all(Array.from({ length: 24 }, () => send(carrier.address)));
    expect(carrier.traffic.pids()).toEqual(pids);
    expect(workersSeen(carrier).size).toBe(2);
  });

  it.runIf(process.platform === "linux")("has no secret, also not in its environment", async () => {
    process.env["SECRET_OF_TEST"] = "f".repeat(64);
    carrier = await startWorkers({ secret: { env: "SECRET_OF_TEST" } });
    delete process.env["SECRET_OF_TEST"];
    const environments = carrier.traffic.pids().map((pid) => readFileSync(`/proc/${pid}/environ`, "utf8"));
    expect(environments.map((text) => [text.includes("SECRET_OF_TEST"), text.includes("PATH=")])).toEqual([
      [false, true],
      [false, true],
    ]);
  });

  it("that was killed has no successor when the proxy stops", async () => {
    carrier = await startWorkers();
    for (const pid of carrier.traffic.pids()) process.kill(pid, "SIGKILL");
    await until(() => carrier.traffic.workers().serving === 0);
    await carrier.traffic.stop(0);
    // As long as a successor would need.
    const other = await startWorkers();
    await other.stop();
    expect(carrier.events.filter(({ event }) => event === "worker-started")).toHaveLength(2);
  });

  it("speaks TLS to clients where that is configured", async () => {
    const authority = new Authority();
    onTestFinished(() => authority.remove());
    const { cert, key, ca } = authority.issue("proxy");
    carrier = await startWorkers({ tls: { public: { cert, key, ca: null } } });
    carrier.routeTo(carrier.a);
    const { host, port } = carrier.address;
    const trusting = { host, port, ca: readFileSync(ca), agent: false } as const;
    const [answer] = (await once(get(trusting), "response")) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
    expect(carrier.a.received[0]?.headers["x-forwarded-proto"]).toBe("https");
  });
});

describe("workers that cannot start", () => {
  it("end the proxy's start with their reason", async () => {
    const files = { cert: "/nowhere/a.crt", key: "/nowhere/a.key", ca: null };
    const failed = await startWorkers({ tls: { public: files } }).then(
      (started) => started.stop(),
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(HotspareError);
    expect((failed as HotspareError).code).toBe("HS_TLS_UNUSABLE");
  });

  it("or do not do so in time", async () => {
    const failed = await startWorkers({ patience: { startMs: 1 } }).then(
      (started) => started.stop(),
      (error: unknown) => error,
    );
    expect((failed as HotspareError).code).toBe("HS_WORKER_ENDED");
    expect((failed as HotspareError).message).toContain("it did not serve in time");
  });
});

describe("a parent", () => {
  const startParent = async (): Promise<Parent> => {
    const child = spawn(process.execPath, [new URL("./parent-main.ts", import.meta.url).pathname], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lines: string[] = [];
    createInterface(child.stdout).on("line", (line) => lines.push(line));
    await until(() => lines.length > 0, { timeoutMs: 20_000 });
    return { ...(JSON.parse(lines[0] ?? "") as ParentNews), lines, kill: () => void child.kill("SIGKILL") };
  };

  it("that is killed leaves no worker behind, whatever they are doing", async () => {
    const { pids, address, kill } = await startParent();
    const broken = send(address, { path: "/small" }).then(
      () => "answered",
      () => "broken",
    );
    expect(pids.filter(isThere)).toHaveLength(2);
    kill();
    await until(() => pids.filter(isThere).length === 0);
    expect(await broken).toBe("broken");
  });

  it("has its workers' lines on its own output, each with its number", async () => {
    const { address, lines } = await startParent();
    expect((await send(address, { path: "/logged" })).status).toBe(200);
    await until(() => lines.some((line) => line.includes('"path":"/logged"')));
    const line = JSON.parse(lines.find((text) => text.includes('"path":"/logged"')) ?? "") as Record<string, unknown>;
    expect(line).toMatchObject({ event: "request", node: "proxy-1", pool: "main", host: "host-a", status: 200 });
    expect([1, 2]).toContain(line["worker"]);
  });
});

interface Parent extends ParentNews {
  readonly lines: readonly string[];
  readonly kill: () => void;
}
