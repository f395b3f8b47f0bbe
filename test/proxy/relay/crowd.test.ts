/** Clients that mean no good, and others beside them: real time, real sockets. */
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../until.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";
import { send } from "./raw-client.ts";

let plane: Plane;
let sockets: Socket[];
beforeEach(async () => {
  plane = await startPlane();
  plane.routeTo(plane.a, 1);
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await plane.stop();
});

const crowd = async (count: number, each: (socket: Socket) => void): Promise<void> => {
  for (let index = 0; index < count; index++) {
    const socket = connect(plane.address.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    sockets.push(socket);
    each(socket);
  }
  await until(() => sockets.every((socket) => !socket.connecting));
};

const allServed = async (): Promise<void> => {
  const answers = await Promise.all(Array.from({ length: 50 }, () => send(plane.address)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
};

describe("while others are served", () => {
  it("hundreds that send a head octet by octet change nothing", async () => {
    await crowd(300, (socket) => socket.write("GET / HTTP/1.1\r\nX: "));
    for (const socket of sockets) socket.write("a");
    await allServed();
  });

  it("hundreds that say nothing, or half-closed without a word, change nothing", async () => {
    await crowd(300, () => undefined);
    await crowd(300, (socket) => socket.end());
    await allServed();
    await until(() => sockets.slice(300).every(({ closed }) => closed));
  });

  it("hundreds that never read their answers hold no more than the kernel and one buffer each", async () => {
    plane.a.script = ({ url }, response) => response.end(url === "/big" ? Buffer.alloc(5_000_000) : "small");
    await crowd(40, (socket) => {
      socket.pause();
      socket.write("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    });
    await until(() => plane.plane.active(MAIN) === 40);
    await allServed();
    for (const socket of sockets) socket.destroy();
    await until(() => plane.plane.active(MAIN) === 0);
  });
});
