/** The link that tests cut is tested itself: a cut that leaks, or breaks what it should only silence, would prove nothing. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../until.ts";
import { Forwarder } from "./forwarder.ts";

/** One end of a connection, and what it saw. */
class End {
  readonly socket: Socket;
  heard = "";
  ended = false;
  failed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => (this.heard += String(chunk)));
    socket.on("end", () => (this.ended = true));
    socket.on("error", () => (this.failed = true));
  }
}

let server: Server;
let link: Forwarder;
let accepted: End[];
let dialled: End[];

beforeEach(async () => {
  [accepted, dialled] = [[], []];
  server = createServer({ allowHalfOpen: true }, (socket) => accepted.push(new End(socket))).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  link = await Forwarder.open(server.address() as { host: string } & AddressInfo);
});
afterEach(async () => {
  for (const { socket } of [...accepted, ...dialled]) socket.destroy();
  await link.close();
  server.close();
});

async function dial(): Promise<End> {
  const [host, port] = link.address.split(":");
  const end = new End(connect({ host: host ?? "", port: Number(port), allowHalfOpen: true }));
  dialled.push(end);
  await new Promise((resolve) => end.socket.once("connect", resolve));
  return end;
}

/** A connection through the link with both its ends, over which something went both ways. */
async function joined(): Promise<{ readonly near: End; readonly far: End }> {
  const at = accepted.length;
  const near = await dial();
  near.socket.write("to ");
  await until(() => accepted[at]?.heard === "to ");
  const far = accepted[at] ?? near;
  far.socket.write("fro ");
  await until(() => near.heard === "fro ");
  return { near, far };
}

test("passes bytes and ends of connections, each way by itself", async () => {
  const { near, far } = await joined();
  near.socket.end("last");
  await until(() => far.ended);
  expect(far.heard).toBe("to last");
  far.socket.end("answer");
  await until(() => near.ended);
  expect(near.heard).toBe("fro answer");
});

test("while cut nothing passes, and all of it comes late", async () => {
  const { near, far } = await joined();
  link.cut();
  near.socket.write("held");
  far.socket.end("held too");
  // Another connection, which is not cut, shows that the time was there.
  const other = await Forwarder.open(server.address() as { host: string } & AddressInfo);
  const uncut = new End(connect(Number(other.address.split(":")[1]), "127.0.0.1"));
  dialled.push(uncut);
  uncut.socket.write("there");
  await until(() => accepted.at(-1)?.heard === "there");
  expect([far.heard, near.heard, near.ended]).toEqual(["to ", "fro ", false]);
  link.heal();
  await until(() => far.heard === "to held" && near.heard === "fro held too" && near.ended);
  await other.close();
});

test("healing what was never cut changes nothing", async () => {
  const { near, far } = await joined();
  link.heal();
  near.socket.end("once");
  await until(() => far.ended);
  expect(far.heard).toBe("to once");
});

test("one end that breaks while it is cut is not known at the other before it is healed", async () => {
  const { near, far } = await joined();
  link.cut();
  far.socket.resetAndDestroy();
  const late = await dial();
  late.socket.write("late");
  await new Promise((resolve) => setImmediate(resolve));
  expect([near.failed, near.ended, accepted.length]).toEqual([false, false, 1]);
  link.heal();
  await until(() => near.failed || near.ended);
  await until(() => accepted.at(-1)?.heard === "late");
});

test("a reset breaks what there is and takes new connections at once", async () => {
  const { near, far } = await joined();
  link.reset();
  await until(() => near.failed && far.failed);
  await joined();
});

test("where nobody listens the connection is reset", async () => {
  await new Promise((resolve) => server.close(resolve));
  const near = await dial();
  await until(() => near.failed);
});
