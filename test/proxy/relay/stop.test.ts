/** A proxy that stops while clients keep their connections to it: no request of theirs breaks, and none keeps it. */
import { Agent } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../until.ts";
import { startPlane, type Plane } from "./plane.ts";
import { send } from "./raw-client.ts";

/** Longer than a test may take: nothing here ends by being broken off. */
const GRACE_MS = 600_000;

describe("a proxy that stops", () => {
  let plane: Plane;
  let agent: Agent;
  beforeEach(async () => {
    plane = await startPlane();
    plane.routeTo(plane.a, 1);
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await send(plane.address, { agent });
  });
  afterEach(async () => {
    agent.destroy();
    await plane.stop();
  });

  it("answers what comes on a connection that it has, and says that this is the last", async () => {
    const stopped = plane.plane.stop(GRACE_MS);
    const { status, headers } = await send(plane.address, { agent });
    expect([status, headers.connection]).toEqual([200, "close"]);
    await stopped;
  });

  it("says so too in an answer that it owed when it was told to stop", async () => {
    let finish: (() => void) | null = null;
    plane.a.script = (_, response) => (finish = () => response.end());
    const sent = send(plane.address, { agent });
    await until(() => finish !== null);
    const stopped = plane.plane.stop(GRACE_MS);
    finish!();
    expect((await sent).headers.connection).toBe("close");
    await stopped;
  });

  it("takes no new connection, from the first moment", async () => {
    const stopped = plane.plane.stop(GRACE_MS);
    await expect(send(plane.address)).rejects.toThrow(/ECONNREFUSED/);
    await stopped;
  });

  it("does not wait for a client that keeps its half open", async () => {
    const socket = connect({ port: plane.address.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => undefined).resume();
    await until(() => !socket.connecting);
    await plane.plane.stop(GRACE_MS);
    socket.destroy();
  });

  it("does not wait for a connection that nothing comes on", async () => {
    await expect(plane.plane.stop(GRACE_MS)).resolves.toBeUndefined();
  });
});
