/** A host's control listener with mutual TLS, as other nodes and the command line meet it. */
import { once } from "node:events";
import { Type } from "typebox";
import type { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { askJson } from "../../deploy/cli/ask-json.ts";
import { startControl, type Control } from "../../host/control.ts";
import { silentLog } from "../../shared/log.ts";
import type { TlsFiles } from "../../shared/config/config.ts";
import { systemSockets, type Sockets } from "../../shared/sockets.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { Networks } from "../../shared/tls/networks.ts";
import { TlsIdentity } from "../../shared/tls/tls-identity.ts";
import { readTlsMaterial } from "../../shared/tls/tls-material.ts";
import type { MessageClient } from "../../shared/wire/message-client.ts";
import type { MessageRefused } from "../../shared/wire/message-server.ts";
import { Authority } from "../certificates.ts";
import { HOST, HOST_BOOT, startClient } from "../shared/wire/nodes.ts";
import { controlOptions } from "./control-options.ts";
import { TUNING } from "../tuning.ts";
import { until } from "../until.ts";

const ours = new Authority("ours");
const theirs = new Authority("theirs");
const host = ours.issue("host");
const proxy = ours.issue("proxy");
afterAll(() => [ours, theirs].forEach((authority) => authority.remove()));

let identity: TlsIdentity;
let control: Control;
let refused: MessageRefused[];
const clients: MessageClient[] = [];

beforeEach(async () => {
  identity = new TlsIdentity(await readTlsMaterial("control", host));
  control = await start(identity);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await control.stop();
});

function start(tls: TlsIdentity | null): Promise<Control> {
  refused = [];
  const never = (): Promise<never> => Promise.reject(new Error("nobody asks for this"));
  const handlers = { promote: never, appended: never, vote: never, checkpoint: never, "finish-upgrade": never };
  return startControl(controlOptions(handlers, { onRefused: (refusal) => refused.push(refusal) }), tls);
}

async function socketsOf(files: TlsFiles): Promise<Sockets> {
  const tls = { ...TUNING.tls, control: files };
  const networks = await Networks.open(["control"], { tls, under: systemSockets, clock: systemClock, log: silentLog });
  return networks.sockets.control;
}

function heartbeats(sockets: Sockets, onLost = (): void => undefined): () => ReturnType<MessageClient["send"]> {
  const client = startClient({ sockets, onLost });
  clients.push(client);
  const { address } = control;
  return () =>
    client.send("heartbeat", { to: HOST, address, body: { bootId: HOST_BOOT, originMs: 1 }, timeoutMs: 5000 });
}

test("answers nodes and the command line, each with a certificate of the CA", async () => {
  const sockets = await socketsOf(proxy);
  expect(await heartbeats(sockets)()).toMatchObject({ type: "answer", answer: { report: { host: HOST } } });
  const question = { address: control.address, path: "/live", sockets, clock: systemClock, timeoutMs: 5000 };
  expect(await askJson(question, Type.Object({ host: Type.String() }))).toMatchObject({
    body: { host: HOST },
    status: 200,
  });
});

test.each([
  ["a node with the certificate of another CA", () => socketsOf({ ...theirs.issue("other"), ca: ours.ca }), true],
  ["a node that trusts another CA", () => socketsOf({ ...proxy, ca: theirs.ca }), false],
  ["a node without TLS", () => Promise.resolve(systemSockets), true],
])("%s: refused, which is never a sign of death", async (_, socketsFor, told) => {
  let lost = 0;
  const send = heartbeats(await socketsFor(), () => (lost += 1));
  for (let n = 0; n < 3; n += 1) {
    expect(await send()).toMatchObject({ kind: "rejected", code: "HS_TLS_REFUSED", proof: "unsigned" });
  }
  if (told) await until(() => refused.length > 0);
  expect(lost).toBe(0);
});

test("a host without TLS is refused by a node that has it", async () => {
  const plain = await start(null);
  const client = startClient({ sockets: await socketsOf(proxy) });
  clients.push(client);
  const body = { bootId: null, originMs: 1 };
  const result = await client.send("heartbeat", { to: HOST, address: plain.address, body, timeoutMs: 5000 });
  expect(result).toMatchObject({ kind: "rejected", code: "HS_TLS_REFUSED" });
  await plain.stop();
});

test("an idle heartbeat connection that ends is told at once", async () => {
  const sockets = await socketsOf(proxy);
  const lost = new Promise<void>((resolve) => {
    void heartbeats(sockets, resolve)().then(() => control.stop());
  });
  await lost;
});

test("a dead listener is refused, as without TLS", async () => {
  const send = heartbeats(await socketsOf(proxy));
  await control.stop();
  expect(await send()).toMatchObject({ kind: "refused" });
});

test("new certificates reach the thread: new connections see them, the kept ones go on", async () => {
  const sockets = await socketsOf(proxy);
  let lost = 0;
  const send = heartbeats(sockets, () => (lost += 1));
  expect(await send()).toMatchObject({ type: "answer" });
  expect(await subjectAt(sockets)).toBe("CN=host");
  identity.replace(await readTlsMaterial("control", ours.issue("renewed")));
  await until(async () => (await subjectAt(sockets)) === "CN=renewed");
  expect(await send()).toMatchObject({ type: "answer" });
  expect(lost).toBe(0);
});

async function subjectAt(sockets: Sockets): Promise<string | undefined> {
  const socket = sockets.dial(control.address) as TLSSocket;
  await once(socket, "secureConnect");
  const subject = socket.getPeerX509Certificate()?.subject;
  socket.destroy();
  return subject;
}
