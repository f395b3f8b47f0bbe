import { createServer, type RequestListener, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Address } from "../../shared/config/config.ts";
import { DialingAgent } from "../../shared/dialing-agent.ts";
import { Dice } from "./dice.ts";
import { ask, type SimAnswer, type SimRequest } from "./sim-http.ts";
import type { NetMachine } from "./net-machine.ts";
import { SimNet } from "./sim-sockets.ts";
import type { LinkState } from "./sim-wire.ts";
import { VirtualTime } from "./virtual-time.ts";

const AT: Address = { host: "10.0.0.1", port: 80 };
const LARGE = Buffer.alloc(64 * 1024, "hotspare ");

interface Pair {
  readonly time: VirtualTime;
  readonly net: SimNet;
  readonly server: NetMachine;
  readonly client: NetMachine;
  readonly link: { state: LinkState };
  readonly http: Server;
  readonly ask: (more?: Partial<SimRequest>) => Promise<SimAnswer>;
}

/** A server at `AT`, and a client that keeps its connections. */
async function pair(listener: RequestListener = echo): Promise<Pair> {
  const dice = new Dice(1);
  const time = new VirtualTime(dice);
  const link: { state: LinkState } = { state: "open" };
  const net = new SimNet({
    after: (delayMs, run) => time.after(delayMs, run),
    random: () => dice.next(),
    link: { delayMs: () => dice.between(0.05, 1), state: () => link.state },
  });
  const server = net.machine("server", { host: AT.host });
  const client = net.machine("client", { host: "10.0.0.2" });
  const http = createServer(listener);
  await server.sockets().listen(http, AT, "test");
  const agent = new DialingAgent(client.sockets(), { keepAlive: true });
  return { time, net, server, client, link, http, ask: (more) => ask({ agent, address: AT, ...more }) };
}

const echo: RequestListener = (request, response) => void request.pipe(response);

const bodyOf = (answer: SimAnswer): string => (answer.type === "answered" ? answer.body.toString() : answer.code);

describe("node:http over simulated sockets", () => {
  it("carries bodies both ways, in virtual time only", async () => {
    const { time, ask } = await pair();
    const answer = await time.until(ask({ body: LARGE }));
    expect(bodyOf(answer)).toBe(LARGE.toString());
    expect(time.nowMs).toBeGreaterThan(0.2);
    expect(time.nowMs).toBeLessThan(20);
  });

  it("carries more than a window, and waits for a reader that is slow", async () => {
    const { time, ask } = await pair();
    const body = Buffer.concat(Array.from({ length: 64 }, () => LARGE));
    const answer = await time.until(ask({ body }));
    expect(answer.type === "answered" && answer.body.equals(body)).toBe(true);
  });

  it("keeps a connection for the next request", async () => {
    const { time, ask, http } = await pair();
    let connections = 0;
    http.on("connection", () => (connections += 1));
    for (let index = 0; index < 5; index += 1)
      expect(bodyOf(await time.until(ask({ body: `${index}` })))).toBe(`${index}`);
    expect(connections).toBe(1);
  });

  it("closes as Node closes: idle connections end, what is under way ends first, then nobody listens", async () => {
    const { time, ask, http } = await pair();
    await time.until(ask());
    expect(http.listening).toBe(true);
    const last = ask({ body: LARGE });
    await time.run(2);
    const closed = new Promise<void>((resolve) => void http.close(() => resolve()));
    expect(bodyOf(await time.until(last))).toBe(LARGE.toString());
    http.closeIdleConnections();
    await time.until(closed);
    await time.run(10);
    expect(await time.until(ask())).toMatchObject({ type: "failed", code: "ECONNREFUSED" });
  });

  it("gives free ports, and refuses one that is taken", async () => {
    const { server } = await pair();
    const any = { host: AT.host, port: 0 };
    const first = await server.sockets().listen(createServer(), any, "test");
    const second = await server.sockets().listen(createServer(), any, "test");
    expect(second.port).toBe(first.port + 1);
    const taken = server.sockets().listen(createServer(), AT, "test");
    await expect(taken).rejects.toMatchObject({ code: "HS_PORT_TAKEN", details: { what: "test" } });
  });
});

describe("a process that ends", () => {
  it("resets its connections in the middle of an answer, and refuses others until it listens again", async () => {
    const { time, ask, server } = await pair((_, response) => void response.write("half"));
    const broken = ask();
    await time.run(20);
    server.crash();
    expect(await time.until(broken)).toMatchObject({ type: "failed", code: "ECONNRESET", received: 4 });
    expect(await time.until(ask())).toMatchObject({ type: "failed", code: "ECONNREFUSED" });
    await server.sockets().listen(createServer(echo), AT, "test");
    expect(bodyOf(await time.until(ask({ body: "again" })))).toBe("again");
  });

  it("says nothing more, and hears nothing", async () => {
    const heard: string[] = [];
    const { time, ask, server } = await pair((request, response) => {
      heard.push("request");
      request.socket.on("close", () => heard.push("close"));
      time.after(50, () => response.end("of a zombie"));
    });
    const dead = server.sockets();
    const broken = ask();
    await time.run(20);
    server.crash();
    const socket = dead.dial(AT);
    for (const event of ["connect", "error", "close"]) socket.on(event, () => heard.push(event));
    expect(await time.until(broken)).toMatchObject({ type: "failed", code: "ECONNRESET", received: 0 });
    await time.run(10_000);
    expect(heard).toEqual(["request"]);
  });

  it("may end while it reads a request, and leaves nothing that Node would keep", async () => {
    const sockets: Duplex[] = [];
    const { time, ask, server, net } = await pair((request) => {
      sockets.push(request.socket);
      server.crash();
    });
    expect(await time.until(ask({ body: LARGE }))).toMatchObject({ type: "failed", code: "ECONNRESET" });
    net.close();
    await time.run(1000);
    expect(sockets).toMatchObject([{ parser: null, destroyed: false }]);
  });

  it("by a power cut leaves the other end half-open, until that sends something and there is power again", async () => {
    const { time, client, server } = await pair();
    const heard: string[] = [];
    const socket = client.sockets().dial(AT);
    for (const event of ["connect", "end", "close"]) socket.on(event, () => heard.push(event));
    socket.on("error", (error: Error & { code?: string }) => heard.push(error.code ?? ""));
    await time.run(20);
    server.cutPower();
    await time.run(10_000);
    socket.write("is anybody there?");
    await time.run(10_000);
    expect(heard).toEqual(["connect"]);
    server.restorePower();
    await time.run(20_000);
    expect(heard).toEqual(["connect", "ECONNRESET", "close"]);
  });
});

describe("a link", () => {
  it("that is cut delivers late and in order when it is whole again", async () => {
    const { time, ask, link } = await pair();
    await time.until(ask());
    link.state = "dropping";
    const late = ask({ body: LARGE });
    await time.run(3000);
    link.state = "open";
    const beforeMs = time.nowMs;
    expect(bodyOf(await time.until(late))).toBe(LARGE.toString());
    expect(time.nowMs - beforeMs).toBeLessThan(4000);
  });

  it("that is cut lets no connection stand, until it is whole again or for two minutes", async () => {
    const { time, ask, link, client } = await pair();
    link.state = "dropping";
    const late = ask({ body: "late" });
    await time.run(2500);
    link.state = "open";
    expect(bodyOf(await time.until(late))).toBe("late");
    link.state = "dropping";
    const never = await time.until(ask({ agent: new DialingAgent(client.sockets(), {}) }), 200_000);
    expect(never).toMatchObject({ type: "failed", code: "ETIMEDOUT" });
    expect(time.nowMs).toBeGreaterThan(127_000);
  });

  it("that refuses resets what sends something, and refuses what is new", async () => {
    const { time, ask, link } = await pair();
    await time.until(ask());
    link.state = "refusing";
    const broken = ask();
    await time.run(5);
    const refused = ask();
    await time.run(5);
    link.state = "open";
    expect(await time.until(Promise.all([broken, refused]))).toMatchObject([
      { type: "failed", code: "ECONNRESET" },
      { type: "failed", code: "ECONNREFUSED" },
    ]);
  });

  it("that forgets resets both ends", async () => {
    const closed: string[] = [];
    const { time, ask, net } = await pair((request, response) => {
      request.on("close", () => closed.push("server"));
      response.write("half");
    });
    const broken = ask();
    await time.run(20);
    net.reset("client", "server");
    expect(await time.until(broken)).toMatchObject({ type: "failed", code: "ECONNRESET" });
    await time.run(1);
    expect(closed).toEqual(["server"]);
  });
});

describe("a paused process", () => {
  it("takes connections and answers none until it goes on, and then in order", async () => {
    const { time, ask, server } = await pair();
    server.pause();
    const answers: string[] = [];
    const late = [1, 2, 3].map(async (number) => {
      answers.push(bodyOf(await ask({ body: `${number}${LARGE.toString()}` })).slice(0, 1));
    });
    await time.run(30_000);
    expect(answers).toEqual([]);
    server.resume();
    await time.until(Promise.all(late));
    expect(answers.toSorted()).toEqual(["1", "2", "3"]);
  });
});
