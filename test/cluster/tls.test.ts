/**
 * A whole cluster of real processes in which every connection is mutual TLS, and its certificates are renewed while it
 * runs.
 */
import { copyFileSync, readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { Authority } from "../certificates.ts";
import { until } from "../until.ts";
import { Nodes, type Status } from "./nodes.ts";

const ours = new Authority("ours");
const node = ours.issue("node");
const client = ours.issue("client");
afterAll(() => ours.remove());

const FILES = `{ cert: "${node.cert}", key: "${node.key}", ca: "${node.ca}" }`;
// A kill is found by a refused connection: patience with a busy machine costs nothing here.
const PATIENT = "health: { timeout: 2s, failures: 5 }";
const EXTRA = `${PATIENT}\ntls: { public: ${FILES}, admin: ${FILES}, control: ${FILES}, data: ${FILES} }`;

let nodes: Nodes;
let agent: Agent;
beforeEach(async () => {
  nodes = await Nodes.make({ hosts: 3, proxies: 2, extra: EXTRA });
  const shown = { cert: readFileSync(client.cert), key: readFileSync(client.key) };
  agent = new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(ours.ca), ...shown });
});
afterEach(async ({ task }) => {
  agent.destroy();
  await nodes.end({ keep: task.result?.state === "fail" });
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly socket: TLSSocket;
  /** Whose certificate the proxy showed. */
  readonly shown: string | undefined;
}

function ask(method: string, path: string, by = agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const port = nodes.proxies.get("proxy-1")?.listen;
    const sent = request({ host: "127.0.0.1", port, method, path, agent: by, headers }, (answer) => {
      let text = "";
      const socket = answer.socket as TLSSocket;
      const shown = socket.getPeerX509Certificate()?.subject;
      answer.on("data", (chunk) => (text += String(chunk)));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text, socket, shown }));
    });
    sent.on("error", reject);
    sent.end(method === "PUT" ? "{}" : undefined);
  });
}

/** By the command line, as an operator would. */
async function status(): Promise<Status | null> {
  return nodes.command("status", "--json").then(
    (text) => JSON.parse(text) as Status,
    () => null,
  );
}

async function served(standbys: number, besides = ""): Promise<{ primary: string; epoch: number }> {
  let pool: Status["pools"][number] | undefined;
  const isServed = async (): Promise<boolean> => {
    pool = (await status())?.pools[0];
    return pool?.state === "serving" && pool.primary !== besides && pool.standbys.length >= standbys;
  };
  await until(isServed, { timeoutMs: 60_000, everyMs: 100 });
  return { primary: pool?.primary ?? "", epoch: pool?.epoch ?? 0 };
}

test(
  "fails over, is asked, and takes new certificates without dropping a connection",
  { timeout: 180_000 },
  async () => {
    nodes.startAll();
    const before = await served(2);
    // Over TLS, too: else each would hold the other for silent, and a standby would vote in its place.
    const hears = (proxy: string, other: string): boolean =>
      nodes.log(proxy).includes(`"event":"proxy","proxy":"${other}"`) && nodes.log(proxy).includes('"state":"alive"');
    await until(() => hears("proxy-1", "proxy-2") && hears("proxy-2", "proxy-1"), { timeoutMs: 30_000, everyMs: 100 });
    const made = await ask("PUT", "/spaces/one");
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);

    await nodes.signal(before.primary, "SIGKILL");
    expect((await ask("PUT", "/spaces/two")).status).toBe(201);
    const after = await served(1, before.primary);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(JSON.parse(await nodes.command("checkpoint", "--json"))).toMatchObject({ host: after.primary });

    const stranger = new Agent({ ca: readFileSync(ours.ca) });
    expect(await ask("GET", "/spaces", stranger)).toMatchObject({
      status: 403,
      text: expect.stringContaining("HS_TLS_REFUSED") as string,
    });

    const renewed = ours.issue("renewed");
    copyFileSync(renewed.key, node.key);
    copyFileSync(renewed.cert, node.cert);
    const fresh = async (): Promise<string | undefined> => {
      const once = new Agent({ ...agent.options, keepAlive: false });
      return (await ask("GET", "/spaces", once)).shown;
    };
    await until(async () => (await fresh()) === "CN=renewed", { timeoutMs: 30_000, everyMs: 100 });
    const last = await ask("GET", "/spaces");
    expect(last.status).toBe(200);
    // One connection from the first write on: over the kill, and over the renewal.
    expect(last.socket).toBe(made.socket);
    expect(JSON.parse(last.text)).toMatchObject({ spaces: [{ space: "one" }, { space: "two" }] });
    await nodes.signal(after.primary, "SIGKILL");
    expect((await ask("PUT", "/spaces/three")).status).toBe(201);
    expect(nodes.unexpectedEnds).toEqual([]);
    for (const id of [...nodes.hosts.keys(), ...nodes.proxies.keys()])
      expect(nodes.log(id)).not.toMatch(/warm-up failed|needs attention|internal/);
  },
);
