import { createServer, type Server as HttpServer } from "node:http";
import {
  connect,
  createServer as createNetServer,
  type AddressInfo,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { HotspareError } from "../../../shared/errors.ts";
import { parseBootId, parseNodeId } from "../../../shared/ids.ts";
import type { MessageClient } from "../../../shared/wire/message-client.ts";
import type { Request } from "../../../shared/wire/messages.ts";
import type { ProtocolRange } from "../../../shared/wire/protocol-range.ts";
import { HOST, HOST_BOOT, REPORT, startClient, startServer, type Server } from "./nodes.ts";

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const HEARTBEAT = { bootId: HOST_BOOT, originMs: 5 };
const PROMOTE: Request<"promote"> = { pool: "main", bootId: HOST_BOOT, fence: null, cause: "test", votes: [] };

async function server(options?: Parameters<typeof startServer>[0]): Promise<Server> {
  const started = await startServer(options);
  stops.push(() => started.stop());
  return started;
}

function client(options?: Parameters<typeof startClient>[0]): MessageClient {
  const started = startClient(options);
  stops.push(() => started.close());
  return started;
}

async function listening<T extends HttpServer | NetServer>(started: T): Promise<number> {
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", () => resolve()));
  stops.push(() => {
    if ("closeAllConnections" in started) started.closeAllConnections();
    started.close();
  });
  return (started.address() as AddressInfo).port;
}

const at = (port: number) => ({ to: HOST, address: { host: "127.0.0.1", port }, body: HEARTBEAT, timeoutMs: 2000 });

describe("a message and its answer", () => {
  it("reaches the handler with body and sender, and the answer comes back with its time", async () => {
    const { address } = await server();
    const result = await client().send("heartbeat", { to: HOST, address, body: HEARTBEAT, timeoutMs: 2000 });
    expect(result).toMatchObject({ type: "answer", answer: { report: REPORT, originMs: 5 } });
    expect(result.type === "answer" && result.roundTripMs).toBeGreaterThan(0);
  });

  it("a heartbeat does not wait behind one that is unanswered", async () => {
    const held: (() => void)[] = [];
    const { address } = await server({
      handlers: {
        heartbeat: async ({ originMs }) => {
          if (originMs === 1) await new Promise<void>((resolve) => held.push(resolve));
          return { report: REPORT, originMs, receivedMs: 0, sentMs: 0 };
        },
      },
    });
    const speaker = client();
    const send = (originMs: number) =>
      speaker.send("heartbeat", { to: HOST, address, body: { bootId: null, originMs }, timeoutMs: 5000 });
    const unanswered = send(1);
    expect((await send(2)).type).toBe("answer");
    expect((await send(3)).type).toBe("answer");
    held.forEach((release) => release());
    expect((await unanswered).type).toBe("answer");
  });

  it("an error of the handler comes back as its code", async () => {
    const { address } = await server({
      handlers: { promote: () => Promise.reject(new HotspareError("HS_PROMOTE_REFUSED", { reason: "offline" })) },
    });
    const result = await client().send("promote", { to: HOST, address, body: PROMOTE, timeoutMs: 2000 });
    expect(result).toMatchObject({ kind: "rejected", code: "HS_PROMOTE_REFUSED", proof: "signed" });
  });

  it("an unexpected error of the handler tells nothing of itself", async () => {
    const { address } = await server({ handlers: { promote: () => Promise.reject(new Error("inner detail")) } });
    const result = await client().send("promote", { to: HOST, address, body: PROMOTE, timeoutMs: 2000 });
    expect(result).toMatchObject({ kind: "rejected", code: "HS_INTERNAL" });
    expect(JSON.stringify(result)).not.toContain("inner detail");
  });
});

describe("what a failed connection means", () => {
  it("nobody listens: refused", async () => {
    const started = createNetServer();
    const port = await listening(started);
    await new Promise((resolve) => started.close(resolve));
    expect(await client().send("heartbeat", at(port))).toMatchObject({ type: "failed", kind: "refused" });
  });

  it("the connection breaks before the answer: reset", async () => {
    const port = await listening(createNetServer((socket) => socket.once("data", () => socket.resetAndDestroy())));
    expect(await client().send("heartbeat", at(port))).toMatchObject({ type: "failed", kind: "reset" });
  });

  it("the connection breaks within the answer: reset", async () => {
    const port = await listening(
      createNetServer((socket) =>
        socket.once("data", () => {
          socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
        }),
      ),
    );
    expect(await client().send("heartbeat", at(port))).toMatchObject({ type: "failed", kind: "reset" });
  });

  it("accepted but never answered: timeout", async () => {
    const sockets: Socket[] = [];
    const port = await listening(createNetServer((socket) => sockets.push(socket.on("error", () => {}))));
    stops.push(() => sockets.forEach((socket) => socket.destroy()));
    expect(await client().send("heartbeat", { ...at(port), timeoutMs: 30 })).toMatchObject({ kind: "timeout" });
  });

  it("an answer that never ends: timeout", async () => {
    const port = await listening(createServer((_, response) => response.write("{")));
    expect(await client().send("heartbeat", { ...at(port), timeoutMs: 30 })).toMatchObject({ kind: "timeout" });
  });

  it("a name that nobody knows: unreachable", async () => {
    const address = { host: "host-a.invalid", port: 1 };
    const result = await client().send("heartbeat", { to: HOST, address, body: HEARTBEAT, timeoutMs: 20_000 });
    expect(result).toMatchObject({ type: "failed", kind: "unreachable" });
  });

  it("something else answers there: invalid, never an answer", async () => {
    const port = await listening(createServer((_, response) => response.end("<html>")));
    expect(await client().send("heartbeat", at(port))).toMatchObject({ kind: "invalid" });
    const missing = await listening(createServer((_, response) => response.writeHead(404).end("no")));
    expect(await client().send("heartbeat", at(missing))).toMatchObject({ kind: "invalid" });
    const noHttp = await listening(createNetServer((socket) => socket.end("SSH-2.0-x\r\n")));
    expect(await client().send("heartbeat", at(noHttp))).toMatchObject({ kind: "invalid" });
  });

  it("an answer without end in size: invalid", async () => {
    const port = await listening(createServer((_, response) => response.end(Buffer.alloc(2 * 1024 * 1024, 32))));
    expect(await client().send("heartbeat", at(port))).toMatchObject({ kind: "invalid" });
  });

  it("the caller gives up: aborted, before and while it waits", async () => {
    const port = await listening(createServer(() => {}));
    const speaker = client();
    expect(await speaker.send("heartbeat", { ...at(port), signal: AbortSignal.abort() })).toMatchObject({
      kind: "aborted",
    });
    const abort = new AbortController();
    const waiting = speaker.send("heartbeat", { ...at(port), signal: abort.signal });
    setImmediate(() => abort.abort());
    expect(await waiting).toMatchObject({ kind: "aborted" });
  });

  it("a kept connection that the other side had just closed does not count as a sign", async () => {
    let requests = 0;
    const started = await server();
    const relay = createNetServer((socket) => {
      const first = requests++ === 0;
      const upstream = connect(started.address.port, "127.0.0.1");
      socket.on("error", () => upstream.destroy());
      upstream.on("error", () => socket.destroy());
      upstream.pipe(socket);
      let heard = 0;
      socket.on("data", (bytes) => {
        if (first && heard++ === 1) socket.resetAndDestroy();
        else upstream.write(bytes);
      });
    });
    const port = await listening(relay);
    const speaker = client();
    expect(await speaker.send("heartbeat", at(port))).toMatchObject({ type: "answer" });
    expect(await speaker.send("heartbeat", at(port))).toMatchObject({ type: "answer" });
    expect(requests).toBe(2);
  });

  it("an idle heartbeat connection that the other side closes is told at once", async () => {
    const started = await server();
    const lost = new Promise((resolve) => {
      void client({ onLost: resolve })
        .send("heartbeat", { to: HOST, address: started.address, body: HEARTBEAT, timeoutMs: 2000 })
        .then(() => started.stop());
    });
    expect(await lost).toBe(HOST);
  });

  it("a connection that this side closes is no loss of the node", async () => {
    const lost: string[] = [];
    const port = await listening(createServer(() => {}));
    const speaker = client({ onLost: (to) => lost.push(to) });
    await speaker.send("heartbeat", { ...at(port), timeoutMs: 20 });
    const started = await server();
    await speaker.send("heartbeat", { to: HOST, address: started.address, body: HEARTBEAT, timeoutMs: 2000 });
    speaker.close();
    await started.stop();
    expect(lost).toEqual([]);
  });
});

describe("versions of the protocol", () => {
  const speak = async (ours: ProtocolRange, theirs: ProtocolRange) => {
    const spoken: unknown[] = [];
    const started = await server({ protocol: theirs });
    const relayed = await recorded(started.address.port, (envelope) => spoken.push(envelope["speaks"]));
    const speaker = client({ protocol: ours });
    const results = [await speaker.send("heartbeat", at(relayed)), await speaker.send("heartbeat", at(relayed))];
    return { results, spoken, refused: started.refused };
  };

  it.each([
    // Unknown yet: the oldest; then the newest that both know.
    [{ min: 1, max: 1 }, { min: 1, max: 1 }, [1, 1]],
    [{ min: 1, max: 2 }, { min: 1, max: 1 }, [1, 1]],
    [{ min: 1, max: 1 }, { min: 1, max: 2 }, [1, 1]],
    [{ min: 1, max: 2 }, { min: 1, max: 3 }, [1, 2]],
    // It learns from the refusal, and the message arrives all the same.
    [{ min: 1, max: 2 }, { min: 2, max: 2 }, [1, 2, 2]],
    [{ min: 2, max: 2 }, { min: 1, max: 2 }, [2, 2]],
  ])("%j speaks to %j in %j", async (ours, theirs, expected) => {
    const { results, spoken } = await speak(ours, theirs);
    expect(results).toMatchObject([{ type: "answer" }, { type: "answer" }]);
    expect(spoken).toEqual(expected);
  });

  it("no common one is refused with both ranges, each message once", async () => {
    const { results, spoken, refused } = await speak({ min: 1, max: 1 }, { min: 2, max: 3 });
    const details = { found: "1 to 1", accepted: "2 to 3" };
    const refusal = { kind: "rejected", code: "HS_MESSAGE_VERSION", proof: "signed", details };
    expect(results).toMatchObject([refusal, refusal]);
    expect(spoken).toEqual([1, 1]);
    expect(refused).toMatchObject([{ from: "proxy-1" }, { from: "proxy-1" }]);
  });

  it("a node that was put back to an older version is understood again", async () => {
    const ours = { min: 1, max: 2 };
    const newer = await server({ protocol: ours });
    const older = await server({ protocol: { min: 1, max: 1 } });
    const speaker = client({ protocol: ours });
    expect(await speaker.send("heartbeat", at(newer.address.port))).toMatchObject({ type: "answer" });
    expect(await speaker.send("heartbeat", at(older.address.port))).toMatchObject({ type: "answer" });
    expect(older.refused).toMatchObject([{ code: "HS_MESSAGE_VERSION" }]);
    expect(await speaker.send("heartbeat", at(older.address.port))).toMatchObject({ type: "answer" });
    expect(older.refused).toHaveLength(1);
  });
});

/** A relay that shows the envelope of each request that passes. */
async function recorded(port: number, show: (envelope: Record<string, unknown>) => void): Promise<number> {
  return listening(
    createNetServer((socket) => {
      const upstream = connect(port, "127.0.0.1");
      socket.on("error", () => upstream.destroy());
      upstream.on("error", () => socket.destroy());
      upstream.pipe(socket);
      socket.on("data", (bytes) => {
        const text = bytes.toString("latin1");
        const start = text.indexOf("\r\n\r\n");
        if (text.startsWith("POST") && start !== -1) show(JSON.parse(text.slice(start + 4)) as Record<string, unknown>);
        upstream.write(bytes);
      });
    }),
  );
}

describe("who refuses whom", () => {
  const send = async (
    forServer: Parameters<typeof startServer>[0],
    forClient: Parameters<typeof startClient>[0] = {},
    body: Request<"heartbeat"> = HEARTBEAT,
  ) => {
    const started = await server(forServer);
    const result = await client(forClient).send("heartbeat", {
      to: HOST,
      address: started.address,
      body,
      timeoutMs: 2000,
    });
    return { result, refused: started.refused };
  };

  it("another secret: refused, counted, and never taken for a death", async () => {
    const { result, refused } = await send({}, { secret: Buffer.alloc(32, 8) });
    expect(result).toMatchObject({ kind: "rejected", code: "HS_SIGNATURE_INVALID", proof: "unsigned" });
    expect(refused).toMatchObject([{ code: "HS_SIGNATURE_INVALID", from: null }]);
  });

  it("refused again and again without a loss being told, though the connection ends each time", async () => {
    const { address, refused } = await server();
    const lost: string[] = [];
    const speaker = client({ secret: Buffer.alloc(32, 8), onLost: (to) => lost.push(to) });
    for (let at = 0; at < 5; at++) {
      const result = await speaker.send("heartbeat", { to: HOST, address, body: HEARTBEAT, timeoutMs: 2000 });
      expect(result).toMatchObject({ kind: "rejected", code: "HS_SIGNATURE_INVALID" });
    }
    expect(refused).toHaveLength(5);
    // A good one closes after these; what they had to tell has been told by then.
    await client().send("heartbeat", { to: HOST, address, body: HEARTBEAT, timeoutMs: 2000 });
    expect(lost).toEqual([]);
  });

  it("another cluster with the same secret", async () => {
    const { result, refused } = await send({ cluster: "other" });
    expect(result).toMatchObject({ kind: "rejected", code: "HS_MESSAGE_INVALID", proof: "signed" });
    expect(refused[0]?.reason).toContain("/cluster");
  });

  it("another host than the one it was sent to; its signature proves nothing of the one that was asked", async () => {
    const { result } = await send({ self: parseNodeId("host-b") });
    expect(result).toMatchObject({ kind: "rejected", code: "HS_MESSAGE_INVALID", proof: "unsigned" });
    expect(result.type === "failed" && result.reason).toContain("/to");
  });

  it("another start of the host: refused with the boot id that it has now", async () => {
    const now = parseBootId("d".repeat(32));
    const { result } = await send({ bootId: now });
    expect(result).toMatchObject({ kind: "rejected", code: "HS_MESSAGE_BOOT", details: { accepted: now } });
  });

  it("a heartbeat may ask before it knows the boot id", async () => {
    const { result } = await send({}, {}, { bootId: null, originMs: 1 });
    expect(result.type).toBe("answer");
  });

  it("an answer that breaks the schema is none", async () => {
    const broken = { ...REPORT, mainTickAgeMs: -1 };
    const { result } = await send({
      handlers: { heartbeat: async () => ({ report: broken, originMs: 0, receivedMs: 0, sentMs: 0 }) },
    });
    expect(result).toMatchObject({ kind: "invalid" });
    expect(result.type === "failed" && result.reason).toContain("/body/report/mainTickAgeMs: found -1");
  });

  it("a message that this host does not take", async () => {
    const { address } = await server();
    const body = { pool: "main", reason: "test" };
    const result = await client().send("checkpoint", { to: HOST, address, body, timeoutMs: 2000 });
    expect(result.type).toBe("failed");
  });
});
