/** One connection to a host, octet by octet under the test's control. */
import type { Socket } from "node:net";
import { duplexPair, type Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { NO_BODY } from "../../../proxy/http1/framing.ts";
import { BodyKeeper } from "../../../proxy/relay/body-keeper.ts";
import { KeptBytes } from "../../../proxy/relay/kept-bytes.ts";
import { UpstreamConnection, type AttemptListener } from "../../../proxy/relay/upstream-connection.ts";

interface Open {
  readonly connection: UpstreamConnection;
  readonly host: Duplex;
  /** What its listener and its pool were told. */
  readonly told: string[];
  readonly ask: (listener?: Partial<AttemptListener>) => void;
}

function open(): Open {
  const [socket, host] = duplexPair({ allowHalfOpen: false });
  const told: string[] = [];
  host.resume();
  const connection = new UpstreamConnection(socket as unknown as Socket, {
    idle: () => told.push("idle"),
    gone: () => told.push("gone"),
  });
  const tell: AttemptListener = {
    interim: ({ status }) => void told.push(`interim ${status}`),
    answered: ({ status }) => void told.push(`answered ${status}`),
    payload: (bytes) => void told.push(bytes.toString()),
    finished: () => void told.push("finished"),
    failed: (sent) => void told.push(`failed, sent: ${sent}`),
    invalid: () => void told.push("invalid"),
  };
  const ask = (listener: Partial<AttemptListener> = {}): void => {
    const source = { pause: () => undefined, resume: () => undefined };
    const body = new BodyKeeper({ source, boundBytes: 0, budget: new KeptBytes(0) });
    body.finish("");
    connection.send(
      { method: "GET", head: "GET / HTTP/1.1\r\n\r\n", framing: NO_BODY, body },
      { ...tell, ...listener },
    );
  };
  return { connection, host, told, ask };
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";

async function say(host: Duplex, text: string): Promise<void> {
  host.write(text);
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}

describe("a connection to a host", () => {
  it("that was paused over the last bytes of an answer reads the next one", async () => {
    const { connection, host, told, ask } = open();
    ask({ payload: () => connection.pause() });
    await say(host, `${OK}ab`);
    ask();
    await say(host, `${OK}cd`);
    expect(told).toEqual(["answered 200", "idle", "finished", "answered 200", "cd", "idle", "finished"]);
  });

  it("is not used again when octets come that nobody asked for", async () => {
    const { host, told, ask } = open();
    ask();
    await say(host, `${OK}ab`);
    await say(host, `${OK}xx`);
    expect(told).toEqual(["answered 200", "ab", "idle", "finished", "gone"]);
  });

  it("is not used again when more comes behind an answer than belongs to it", async () => {
    const { host, told, ask } = open();
    ask();
    await say(host, `${OK}abHTTP/1.1 200 OK\r\n`);
    expect(told).toEqual(["answered 200", "ab", "idle", "finished", "gone"]);
  });

  it.each([
    ["before an answer", "", ["gone", "failed, sent: true"]],
    ["within a head", "HTTP/1.1 2", ["gone", "failed, sent: true"]],
    ["within a body", `${OK}a`, ["answered 200", "a", "gone", "failed, sent: true"]],
    [
      "within a chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      ["answered 200", "ab", "gone", "failed, sent: true"],
    ],
    ["behind a body that only its end ends", "HTTP/1.1 200 OK\r\n\r\nab", ["answered 200", "ab", "gone", "finished"]],
  ])("that ends %s says so once", async (_, text, expected) => {
    const { host, told, ask } = open();
    ask();
    if (text !== "") await say(host, text);
    host.end();
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    host.destroy();
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    expect(told).toEqual(expected);
  });

  it.each(["HTTP/1.1 101 Switching Protocols\r\n\r\n", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(70_000)}`, "\r\n\r\n"])(
    "that brings what is no answer says so once, and is gone: %j",
    async (text) => {
      const { host, told, ask } = open();
      ask();
      await say(host, text);
      expect(told.toSorted()).toEqual(["gone", "invalid"]);
    },
  );
});
