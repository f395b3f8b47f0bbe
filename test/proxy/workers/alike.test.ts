/** Requests are carried alike, whoever carries them: the proxy's own process, or several workers. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HotspareError } from "../../../shared/errors.ts";
import { sharingSockets } from "../../../shared/sockets.ts";
import { parsePoolId } from "../../../shared/ids.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { until } from "../../until.ts";
import { MAIN } from "../relay/plane.ts";
import { codeOf, open, send, type Answered } from "../relay/raw-client.ts";
import { KINDS, SMALL, SMALL_PARK, type Carrier, type CarrierShape } from "./carrier.ts";

/** So many connections that each of two workers has some. */
const MANY = 24;
/** Longer than a test may take: nothing ends by being broken off. */
const GRACE_MS = 600_000;

const all = <T>(value: T): readonly T[] => Array.from({ length: MANY }, () => value);
const statuses = (answers: readonly Answered[]): readonly number[] => answers.map(({ status }) => status);
const sendMany = (carrier: Carrier, path = "/"): Promise<Answered>[] =>
  all(path).map((each) => send(carrier.address, { path: each }));

describe.each(KINDS)("requests that are carried by $name", ({ processes, start }) => {
  let carrier: Carrier;
  beforeAll(async () => void (carrier = await start()));
  afterAll(() => carrier.stop());
  beforeEach(() => {
    for (const host of [carrier.a, carrier.b]) {
      host.received.length = 0;
      host.script = (_, response) => response.end(host.id);
    }
    carrier.routeNowhere();
  });

  it("go where the route leads, and where it leads next; no two have one number", async () => {
    carrier.routeTo(carrier.a);
    const first = await Promise.all(sendMany(carrier));
    expect(first.map(({ body }) => body)).toEqual(all("host-a"));
    const ids = carrier.a.received.map(({ headers }) => String(headers["hotspare-request"]));
    expect(new Set(ids).size).toBe(MANY);
    expect(new Set(ids.map((id) => id.slice(0, 32))).size).toBe(processes);
    carrier.routeTo(carrier.b);
    await until(async () => (await Promise.all(sendMany(carrier))).every(({ body }) => body === "host-b"));
  });

  it("wait while there is no primary, and go when there is one", async () => {
    const answers = sendMany(carrier);
    await until(() => carrier.parked() === MANY && carrier.traffic.active(MAIN) === MANY);
    expect(carrier.traffic.parked(MAIN).bytes).toBeGreaterThan(0);
    expect(carrier.a.received).toHaveLength(0);
    carrier.routeTo(carrier.a);
    expect(statuses(await Promise.all(answers))).toEqual(all(200));
    await until(() => carrier.parked() === 0 && carrier.traffic.active(MAIN) === 0);
  });

  it("go on while it is configured anew: what is kept stays, what waits for a pool that is gone is refused", async () => {
    const { settings } = carrier;
    const later = parsePoolId("later");
    carrier.routeTo(carrier.a);
    carrier.a.script = (request, response) => {
      if (request.url !== "/slow") return void response.end(`${carrier.a.id} ${String(request.headers["forwarded"])}`);
      response.write("began");
      end = () => response.end(" and ended");
    };
    let end: () => void = () => undefined;
    const slow = open(carrier.address, { path: "/slow" });
    slow.end();
    await until(() => slow.began());
    const waiting = sendMany(carrier, "/small");
    const codes: string[] = [];
    for (const answer of waiting) void answer.then((answered) => codes.push(codeOf(answered)));
    const most = (): boolean => codes.length === MANY - SMALL_PARK;
    await until(() => carrier.traffic.parked(SMALL).requests === SMALL_PARK && most());
    const [main] = settings.pools;
    carrier.traffic.configure({
      ...settings,
      pools: [main!, { ...main!, id: later, routes: [{ host: null, path: "/later" }] }],
      trust: [],
    });
    await Promise.all(waiting);
    expect(codes.slice(-SMALL_PARK)).toEqual(Array.from({ length: SMALL_PARK }, () => "HS_POOL_REMOVED"));
    // The path is another pool's now.
    expect((await send(carrier.address, { path: "/small" })).body).toContain("host-a");
    const parked = send(carrier.address, { path: "/later" });
    await until(() => carrier.traffic.parked(later).requests === 1);
    carrier.traffic.setRoute(later, { host: carrier.b.id, epoch: 1 });
    expect((await parked).body).toBe("host-b");
    const said = { headers: { forwarded: "for=10.9.9.9" } };
    expect((await send(carrier.address, said)).body).not.toContain("10.9.9.9");
    end();
    expect((await slow.answer).body).toBe("began and ended");
    carrier.traffic.configure(settings);
    await until(async () => (await send(carrier.address, said)).body.includes("10.9.9.9"));
    carrier.traffic.configure({
      ...settings,
      addresses: new Map([[carrier.a.id, settings.addresses.get(carrier.b.id)!]]),
    });
    await until(async () => (await Promise.all(sendMany(carrier))).every(({ body }) => body === "host-b"));
    carrier.traffic.configure(settings);
    await until(async () => (await Promise.all(sendMany(carrier))).every(({ body }) => body.startsWith("host-a")));
  });

  it("wait in a number that is bounded over all processes", async () => {
    const answers = sendMany(carrier, "/small");
    const refused: Answered[] = [];
    for (const answer of answers) void answer.then((answered) => refused.push(answered));
    await until(() => carrier.traffic.parked(SMALL).requests === SMALL_PARK && refused.length === MANY - SMALL_PARK);
    expect(new Set(refused.map(codeOf))).toEqual(new Set(["HS_PARK_FULL"]));
    carrier.traffic.setRoute(SMALL, { host: carrier.a.id, epoch: 1 });
    const ended = await Promise.all(answers);
    expect(statuses(ended).filter((status) => status === 200)).toHaveLength(SMALL_PARK);
  });

  it("free their places when their clients leave", async () => {
    const left = all(carrier.address).map((address) => open(address));
    for (const { end } of left) end();
    await until(() => carrier.parked() === MANY);
    for (const { leave } of left) leave();
    await until(() => carrier.parked() === 0 && carrier.traffic.active(MAIN) === 0);
  });

  it("are taken away from a host that is given up, and sent where the route leads then", async () => {
    carrier.a.script = () => undefined;
    const route = { host: carrier.a.id, epoch: 1 };
    carrier.traffic.setRoute(MAIN, route);
    const answers = sendMany(carrier);
    await until(() => carrier.a.received.length === MANY);
    carrier.routeTo(carrier.b);
    carrier.traffic.abandon(MAIN, route.host, route.epoch);
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(all("host-b"));
    expect(carrier.b.received.map(({ headers }) => headers["hotspare-attempt"])).toEqual(all("2"));
  });

  it("tell when a connection breaks, and rest until the host has shown that it lives", async () => {
    carrier.a.script = (_, __, socket) => {
      carrier.a.script = (___, response) => response.end("alive");
      socket.resetAndDestroy();
    };
    carrier.troubles.length = 0;
    carrier.routeTo(carrier.a);
    const sent = send(carrier.address);
    await until(() => carrier.troubles.includes(carrier.a.id));
    expect(carrier.a.received).toHaveLength(1);
    carrier.traffic.hostLives(carrier.a.id, systemClock.monotonicMs());
    expect((await sent).body).toBe("alive");
  });

  it("carry the pool's newest log time", async () => {
    carrier.routeTo(carrier.a);
    const logTimes = async (): Promise<ReadonlySet<unknown>> => {
      carrier.a.received.length = 0;
      await Promise.all(sendMany(carrier));
      return new Set(carrier.a.received.map(({ headers }) => headers["hotspare-log-time"]));
    };
    expect(await logTimes()).toEqual(new Set([String(carrier.logTimeMs)]));
    carrier.logTimeMs += 1000;
    carrier.traffic.hostLives(carrier.a.id, systemClock.monotonicMs());
    await until(async () => [...(await logTimes())].every((time) => time === String(carrier.logTimeMs)));
  });

  it("that have passed this proxy before are refused, whichever process they passed", async () => {
    carrier.routeTo(carrier.a);
    await Promise.all(sendMany(carrier));
    const vias = new Set(carrier.a.received.map(({ headers }) => headers.via));
    expect(vias.size).toBe(1);
    const [via = ""] = vias;
    const again = all(carrier.address).map((address) => send(address, { headers: { via } }));
    expect(statuses(await Promise.all(again))).toEqual(all(508));
  });

  it("from a trusted proxy keep what that says of the client", async () => {
    carrier.routeTo(carrier.a);
    const answers = all({ "x-forwarded-for": "192.0.2.7" }).map((headers) => send(carrier.address, { headers }));
    expect(statuses(await Promise.all(answers))).toEqual(all(200));
    const clients = carrier.a.received.map(({ headers }) => headers["x-forwarded-for"]);
    expect(clients).toEqual(all("192.0.2.7, 127.0.0.1"));
  });

  it("are counted, all together", async () => {
    carrier.routeTo(carrier.a);
    const counted = async (): Promise<number> => {
      const text = await (await carrier.traffic.metrics()).metrics();
      return Number(/hotspare_proxy_requests_total\{pool="main",status="200"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await counted();
    await Promise.all(sendMany(carrier));
    expect(await counted()).toBe(before + MANY);
    expect(carrier.traffic.workers()).toEqual({ configured: processes, serving: processes });
  });
});

describe.each(KINDS)("a stop of $name", ({ start }) => {
  let carrier: Carrier;
  beforeEach(async () => void (carrier = await start()));
  afterEach(() => carrier.stop());

  it("takes no new connection and breaks no request, also none that needs another primary first", async () => {
    const waiting = sendMany(carrier);
    await until(() => carrier.parked() === MANY);
    const stopped = carrier.traffic.stop(GRACE_MS);
    await until(() => send(carrier.address).then(never, (error: Error) => error.message.includes("ECONNREFUSED")));
    carrier.routeTo(carrier.b);
    expect((await Promise.all(waiting)).map(({ body }) => body)).toEqual(all("host-b"));
    await stopped;
  });

  it("breaks off what does not end in time", async () => {
    carrier.a.script = () => undefined;
    carrier.routeTo(carrier.a);
    const ended = send(carrier.address).then(never, (error: Error) => error.message);
    await until(() => carrier.a.received.length === 1);
    await carrier.traffic.stop(50);
    expect(await ended).toMatch(/hang up|ECONNRESET/);
  });
});

describe.each(KINDS)("an address for $name", ({ start }) => {
  const codeOfStart = (shape: CarrierShape): Promise<string> =>
    start(shape).then(
      (carrier) => carrier.stop().then(() => "started"),
      (error: unknown) => (error instanceof HotspareError ? error.code : String(error)),
    );

  it("that is taken ends the start", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    expect(await codeOfStart({ listen: { host: "127.0.0.1", port } })).toBe("HS_PORT_TAKEN");
    server.close();
  });

  it.runIf(process.platform === "linux")("that is taken by who would share it ends the start", async () => {
    const server = createHttpServer();
    const listen = await sharingSockets.listen(server, { host: "127.0.0.1", port: 0 }, "test");
    expect(await codeOfStart({ listen })).toBe("HS_PORT_TAKEN");
    server.close();
  });

  it("is free again after a stop", async () => {
    const first = await start();
    await first.stop();
    expect(await codeOfStart({ listen: first.address })).toBe("started");
  });
});

function never(): never {
  throw new Error("it was answered");
}
