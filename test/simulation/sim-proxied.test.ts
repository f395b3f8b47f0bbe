import { describe, expect, it } from "vitest";
import type { Duplex } from "node:stream";
import { fenceOf } from "../proxy/fake-host.ts";
import { DialingAgent } from "../../shared/dialing-agent.ts";
import { ask as askAt, type SimAnswer } from "./sim-http.ts";
import { startProxied } from "./sim-proxied.ts";

const KEYED = { "idempotency-key": '"one"' };
const BODY = Buffer.alloc(32 * 1024, "hotspare ");

const textOf = (answer: SimAnswer): string =>
  answer.type === "answered" ? `${answer.status} ${answer.body.toString()}` : answer.code;

/** A request that waits for a route, is with a host that dies, and ends at the other one. */
async function failover(seed: number): Promise<readonly string[]> {
  const { time, net, proxy, hosts, events, event, ask } = await startProxied(seed);
  const [a, b] = hosts;
  a.script = ({ method, url, body }) => event(`a has ${method} ${url} ${body.length}`);
  b.script = ({ method, url, body }, response) => {
    event(`b has ${method} ${url} ${body.length}`);
    response.end(`by b: ${body.length}`);
  };
  const answered = ask({ path: "/things", body: BODY, headers: KEYED });
  void answered.then((answer) => event(textOf(answer)));
  await time.run(1000);
  event(`parked: ${proxy.status().pools[0]?.parked}`);
  a.serve(1);
  b.follow(fenceOf("host-a", 1, a.bootId));
  await time.run(1000);
  a.state = "dead";
  net.machine("host-a").crash();
  event("a is dead");
  await time.until(answered);
  await time.until(proxy.stop());
  net.close();
  return events;
}

/** Forty requests while a host is paused, cut off, forgotten by the network, and loses its power. */
async function faults(
  seed: number,
): Promise<{ readonly events: readonly string[]; readonly answers: readonly string[] }> {
  let isCut = false;
  const { time, net, proxy, hosts, events, event, ask } = await startProxied(seed, (from, to) =>
    isCut && (from === "host-a" || to === "host-a") ? "dropping" : "open",
  );
  const [a, b] = hosts;
  const machine = net.machine("host-a");
  for (const host of hosts) {
    host.script = ({ url, body }, response) => {
      event(`${host.id} has ${url}`);
      time.after(3, () => response.end(body));
    };
  }
  a.serve(1);
  b.follow(fenceOf("host-a", 1, a.bootId));
  await time.run(500);
  const answers = Array.from({ length: 40 }, async (_, index) => {
    await new Promise<void>((resolve) => time.after(index * 7, resolve));
    const headers = { "idempotency-key": `"${index}"` };
    const answer = await ask({ path: `/${index}`, body: BODY.subarray(0, index * 700), headers });
    const text = answer.type === "answered" ? `${answer.status} ${answer.body.length}` : answer.code;
    event(`${index}: ${text}`);
    return text;
  });
  time.after(60, () => machine.pause());
  time.after(100, () => machine.resume());
  time.after(120, () => (isCut = true));
  time.after(160, () => (isCut = false));
  time.after(180, () => net.reset("proxy-1", "host-a"));
  time.after(200, () => {
    a.state = "dead";
    machine.cutPower();
  });
  const texts = await time.until(Promise.all(answers));
  await time.until(proxy.stop());
  net.close();
  return { events, answers: texts };
}

describe("the production proxy over simulated sockets", () => {
  it("parks a request until there is a route, and sends it again when the host dies", async () => {
    const events = await failover(1);
    const story = events.map((line) => line.replace(/^\S+ /, "")).filter((line) => !line.startsWith("{"));
    expect(story).toEqual([
      "parked: 1",
      `a has POST /things ${BODY.length}`,
      "a is dead",
      `b has POST /things ${BODY.length}`,
      `200 by b: ${BODY.length}`,
    ]);
  });

  it.each([1, 2, 3])("does the same again, to the last event: seed %i", async (seed) => {
    const events = await failover(seed);
    expect(await failover(seed)).toEqual(events);
    expect(events.length).toBeGreaterThan(5);
  });

  it.each([4, 5])("answers every request through all kinds of faults, and the same again: seed %i", async (seed) => {
    const { events, answers } = await faults(seed);
    expect(answers).toEqual(answers.map((_, index) => `200 ${index * 700}`));
    expect((await faults(seed)).events).toEqual(events);
  });

  it("does other things with another seed", async () => {
    expect(await failover(2)).not.toEqual(await failover(1));
  });

  it("relays an upgrade", async () => {
    const { time, net, proxy, hosts } = await startProxied(6);
    const [a] = hosts;
    a.serve(1);
    a.server.on("upgrade", (_, socket: Duplex) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
      socket.pipe(socket);
    });
    const socket = net.machine("client").sockets().dial(proxy.addresses.listen);
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
    socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
    await time.run(500);
    socket.write("over and back");
    await time.run(500);
    expect(received).toMatch(/^HTTP\/1.1 101 .*\r\n\r\nover and back$/s);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await time.until(Promise.all([proxy.stop(), closed]));
    net.close();
  });

  it.each([
    ["a head that comes octet by octet", "GET / HTTP/1.1\r\nX: ", "a", "408"],
    ["a body that stops", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", "", "408"],
    ["a connection that nothing is asked on", "", "", ""],
  ])("ends %s", async (_, begin, more, status) => {
    const { time, net, proxy, hosts } = await startProxied(8);
    hosts[0].serve(1);
    const socket = net.machine("client").sockets().dial(proxy.addresses.listen);
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    if (begin !== "") socket.write(begin);
    for (let second = 0; second < 70 && !socket.destroyed; second++) {
      if (more !== "") socket.write(more);
      await time.run(1000);
    }
    await time.until(closed);
    expect(received.slice(9, 12)).toBe(status);
    expect(hosts[0].received).toEqual([]);
    await time.until(proxy.stop());
    net.close();
  });

  it("answers at its admin address, which is its machine's own", async () => {
    const { time, net, proxy } = await startProxied(7);
    const path = "/api/v1/status";
    const of = (machine: string): Promise<SimAnswer> => {
      const agent = new DialingAgent(net.machine(machine).sockets(), {});
      return time.until(askAt({ agent, address: proxy.addresses.admin, path, method: "GET" }));
    };
    expect(await of("proxy-1")).toMatchObject({ type: "answered", status: 200 });
    expect(await of("client")).toMatchObject({ type: "failed", code: "ECONNREFUSED" });
    await time.until(proxy.stop());
    net.close();
  });
});
