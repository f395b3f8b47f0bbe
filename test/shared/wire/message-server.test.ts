import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseBootId } from "../../../shared/ids.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { systemRandom } from "../../../shared/random.ts";
import { KeyRing } from "../../../shared/signature/key-ring.ts";
import { verifyAnswer } from "../../../shared/signature/message-signature.ts";
import { makeNonce, makeSeries } from "../../../shared/signature/nonce.ts";
import { REPLAY_WINDOW } from "../../../shared/signature/replay-guard.ts";
import { HANDLERS, HOST_BOOT, SECRET, startServer, type Server } from "./nodes.ts";
import { RawConnection } from "./raw-connection.ts";
import {
  bytesOf,
  freshNonce,
  HEARTBEAT_ENVELOPE,
  sendBytes,
  sendRaw,
  signedRequest,
  type RawAnswer,
} from "./raw-request.ts";

let server: Server;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.stop());

const APPENDED_ENVELOPE = { ...HEARTBEAT_ENVELOPE, body: { pool: "main", slot: 3 } };
const PROMOTE_ENVELOPE = {
  ...HEARTBEAT_ENVELOPE,
  body: { pool: "main", bootId: HOST_BOOT, fence: null, cause: "test", votes: [] },
};

interface Problem {
  readonly error: { readonly code: string; readonly message: string; readonly details: Record<string, string> };
}
const problem = ({ body }: RawAnswer): Problem["error"] => (JSON.parse(body.toString()) as Problem).error;

const send = async (message: unknown, options?: Parameters<typeof signedRequest>[2]) =>
  sendRaw(server.address, await signedRequest(server.address, message, options));

describe("what a receiver accepts", () => {
  it("a request as the protocol says, answered signed and bound to its nonce", async () => {
    const nonce = freshNonce();
    const answer = await send(HEARTBEAT_ENVELOPE, { nonce });
    expect(answer.status).toBe(200);
    const { status, fields, body } = answer;
    const key = new KeyRing([SECRET], systemClock);
    expect(await verifyAnswer(key, { status, fields, body, requestNonce: nonce.text })).toEqual({ type: "valid" });
    expect(await verifyAnswer(key, { status, fields, body, requestNonce: freshNonce().text })).toMatchObject({
      type: "refused",
    });
  });

  it("unknown fields, on every level", async () => {
    const message = {
      ...HEARTBEAT_ENVELOPE,
      colour: "blue",
      protocol: { min: 1, max: 9, best: 9 },
      body: { ...HEARTBEAT_ENVELOPE.body, colour: "blue" },
    };
    expect((await send(message)).status).toBe(200);
  });

  it("heartbeat and promote under any clock", async () => {
    for (const createdMs of [0, Date.now() * 2]) {
      expect((await send(HEARTBEAT_ENVELOPE, { createdMs: createdMs + 1000 })).status).toBe(200);
      expect((await send(PROMOTE_ENVELOPE, { createdMs: createdMs + 1000, name: "promote" })).status).toBe(200);
    }
  });
});

it("who has no more than a token cannot use up the nonces of a node", async () => {
  const token = Buffer.alloc(32, 9);
  const invitations = new KeyRing([token], systemClock);
  const inviting = await startServer({ invitations, handlers: { ...HANDLERS, join: async () => ({ sealed: "" }) } });
  const series = makeSeries(systemRandom);
  const send = async (counter: number, options: Parameters<typeof signedRequest>[2]) => {
    const nonce = makeNonce(series, counter, systemRandom);
    const message = { ...HEARTBEAT_ENVELOPE, body: options?.name === "join" ? {} : HEARTBEAT_ENVELOPE.body };
    return (await sendRaw(inviting.address, await signedRequest(inviting.address, message, { ...options, nonce })))
      .status;
  };
  try {
    expect(await send(1, {})).toBe(200);
    expect(await send(2 * REPLAY_WINDOW, { name: "join", secret: token })).toBe(200);
    expect(await send(2, {})).toBe(200);
  } finally {
    await inviting.stop();
  }
});

describe("what a receiver does about strangers", () => {
  const answersTo = async (connection: RawConnection, bytes: readonly Buffer[]) =>
    (await connection.send(Buffer.concat(bytes), bytes.length)).map((answer) => answer?.status ?? null);
  const requestBytes = async (message: unknown = HEARTBEAT_ENVELOPE) =>
    bytesOf(await signedRequest(server.address, message));
  const unsigned = () => bytesOf({ target: "/hotspare/v1/heartbeat", fields: { host: "x" }, body: Buffer.from("{}") });

  it("ends a connection with the refusal, and looks at nothing that came behind it", async () => {
    const connection = new RawConnection(server.address);
    const bytes = [unsigned(), await requestBytes(), unsigned()];
    expect(await answersTo(connection, bytes)).toEqual([401, null, null]);
    await connection.closed();
    expect(server.refused).toHaveLength(1);
  });

  it("judges one message before it looks at more, also where the first is good", async () => {
    const connection = new RawConnection(server.address);
    expect(await answersTo(connection, [await requestBytes(), unsigned(), unsigned()])).toEqual([200, null, null]);
    await connection.closed();
    expect(server.refused).toEqual([]);
  });

  it("keeps a connection over which a node has spoken, also when that node makes mistakes", async () => {
    const connection = new RawConnection(server.address);
    expect(await answersTo(connection, [await requestBytes()])).toEqual([200]);
    const wrong = await Promise.all([1, 2, 3].map(() => requestBytes({ ...HEARTBEAT_ENVELOPE, to: "host-b" })));
    expect(await answersTo(connection, [...wrong, await requestBytes()])).toEqual([400, 400, 400, 200]);
    connection.drop();
  });

  it("keeps so many connections of strangers, and every one of a node", async () => {
    const node = new RawConnection(server.address);
    expect(await answersTo(node, [await requestBytes()])).toEqual([200]);
    const strangers = Array.from({ length: 300 }, () => new RawConnection(server.address));
    await Promise.all(strangers.slice(0, 44).map((stranger) => stranger.closed()));
    expect(await answersTo(node, [await requestBytes()])).toEqual([200]);
    const newcomer = new RawConnection(server.address);
    expect(await answersTo(newcomer, [await requestBytes()])).toEqual([200]);
    for (const connection of [node, newcomer, ...strangers]) connection.drop();
  });

  it("says which messages there are to a node that sends another, and nothing to a stranger", async () => {
    const named = await sendRaw(
      server.address,
      await signedRequest(server.address, HEARTBEAT_ENVELOPE, { name: "stop" }),
    );
    expect([named.status, problem(named).details]).toMatchObject([
      400,
      { field: "message", found: "stop", accepted: "heartbeat, promote, appended" },
    ]);
    const stranger = await sendRaw(server.address, {
      target: "/hotspare/v1/stop",
      fields: { host: "x" },
      body: Buffer.from("{}"),
    });
    expect([stranger.status, problem(stranger).code]).toEqual([401, "HS_SIGNATURE_INVALID"]);
  });

  it("counts what is no HTTP", async () => {
    expect((await sendBytes(server.address, Buffer.from("NOTHING\r\n\r\n"))).status).toBe(400);
    expect(server.refused).toMatchObject([{ code: "HS_MESSAGE_INVALID", from: null }]);
  });
});

describe("what a receiver refuses", () => {
  it("every request with one flipped bit in its head or body", async () => {
    const request = await signedRequest(server.address, HEARTBEAT_ENVELOPE);
    const damage: [string, (text: Buffer) => Parameters<typeof sendRaw>[1]][] = [
      ["body", (body) => ({ ...request, body })],
      ["target", (text) => ({ ...request, target: text.toString("latin1") })],
      ...["host", "content-digest", "signature-input", "signature"].map(
        (name): [string, (text: Buffer) => Parameters<typeof sendRaw>[1]] => [
          name,
          (text) => ({ ...request, fields: { ...request.fields, [name]: text.toString("latin1") } }),
        ],
      ),
    ];
    for (const [name, damaged] of damage) {
      const original = name === "body" ? request.body : Buffer.from(request.fields[name] ?? request.target);
      for (let at = 0; at < original.length; at++) {
        const text = Buffer.from(original);
        text[at] = (text[at] ?? 0) ^ (1 << (at % 7));
        const { status } = await sendRaw(server.address, damaged(text));
        expect([400, 401, 404], `${name} byte ${at}: ${status}`).toContain(status);
      }
    }
    expect((await sendRaw(server.address, request)).status).toBe(200);
  });

  it("what is not signed at all", async () => {
    const { signature: _, ...fields } = (await signedRequest(server.address, HEARTBEAT_ENVELOPE)).fields;
    const answer = await sendRaw(server.address, {
      target: "/hotspare/v1/heartbeat",
      fields,
      body: Buffer.from(JSON.stringify(HEARTBEAT_ENVELOPE)),
    });
    expect(answer.status).toBe(401);
    expect(problem(answer).code).toBe("HS_SIGNATURE_INVALID");
    expect(server.refused).toMatchObject([{ code: "HS_SIGNATURE_INVALID", from: null }]);
  });

  it("a stranger's request, without signing the refusal: it could be shown to the sender whose nonce it names", async () => {
    const request = await signedRequest(server.address, HEARTBEAT_ENVELOPE);
    const forged = await sendRaw(server.address, { ...request, body: Buffer.from("{}") });
    expect(forged.status).toBe(401);
    expect(Object.keys(forged.fields)).not.toContain("signature");
    const wrong = await send({ ...HEARTBEAT_ENVELOPE, to: "host-b" });
    expect(Object.keys(wrong.fields)).toContain("signature");
  });

  it.each([
    ["heartbeat", HEARTBEAT_ENVELOPE],
    ["promote", PROMOTE_ENVELOPE],
    ["appended", APPENDED_ENVELOPE],
  ])("the same %s a second time", async (name, message) => {
    const request = await signedRequest(server.address, message, { name });
    expect((await sendRaw(server.address, request)).status).toBe(200);
    const again = await sendRaw(server.address, request);
    expect(again.status).toBe(401);
    expect(problem(again).message).toContain("seen before");
  });

  it.each([
    ["heartbeat", HEARTBEAT_ENVELOPE],
    ["promote", PROMOTE_ENVELOPE],
  ])("a %s of before the restart, which nobody remembers", async (name, message) => {
    const request = await signedRequest(server.address, message, { name });
    expect((await sendRaw(server.address, request)).status).toBe(200);
    await server.stop();
    server = await startServer({ bootId: parseBootId("d".repeat(32)) });
    // On the old address, as the attacker would: the authority is signed, the port of this test is not the same.
    const after = await sendRaw(server.address, request);
    expect(after.status).toBe(409);
    expect(problem(after).code).toBe("HS_MESSAGE_BOOT");
  });

  it.each([
    [-32, 401],
    [-29, 200],
    [29, 200],
    [32, 401],
  ])("an appended made %i s away from now: %i", async (awayS, status) => {
    await server.stop();
    server = await startServer({ clock: { ...systemClock, wallMs: () => 1_700_000_000_000 } });
    const createdMs = 1_700_000_000_000 + awayS * 1000;
    expect((await send(APPENDED_ENVELOPE, { createdMs, name: "appended" })).status).toBe(status);
  });

  it("a message signed for another path", async () => {
    const request = await signedRequest(server.address, APPENDED_ENVELOPE, { name: "appended" });
    expect((await sendRaw(server.address, { ...request, target: "/hotspare/v1/promote" })).status).toBe(401);
  });

  it.each([
    ["/cluster", { ...HEARTBEAT_ENVELOPE, cluster: "other" }],
    ["/to", { ...HEARTBEAT_ENVELOPE, to: "host-b" }],
    ["/from", { ...HEARTBEAT_ENVELOPE, from: undefined }],
    ["/sentAt", { ...HEARTBEAT_ENVELOPE, sentAt: "now" }],
    ["/id", { ...HEARTBEAT_ENVELOPE, id: 7 }],
    ["/v", { ...HEARTBEAT_ENVELOPE, v: 2 }],
    ["/body/originMs", { ...HEARTBEAT_ENVELOPE, body: { bootId: null } }],
    ["/body/bootId", { ...HEARTBEAT_ENVELOPE, body: { bootId: "x", originMs: 1 } }],
    ["/body", { ...HEARTBEAT_ENVELOPE, body: 5 }],
    ["/protocol/min", { ...HEARTBEAT_ENVELOPE, protocol: { max: 1 } }],
  ])("a message in which %s is missing or wrong, named", async (field, message) => {
    const answer = await send(message);
    expect(answer.status).toBe(400);
    expect(problem(answer)).toMatchObject({ code: "HS_MESSAGE_INVALID", details: { field } });
    expect(problem(answer).details["accepted"]).not.toBe("");
  });

  it("a sender whose name is none", async () => {
    const answer = await send({ ...HEARTBEAT_ENVELOPE, from: "../x" });
    expect(answer.status).toBe(400);
  });

  it("no common protocol version: 426 with both ranges, whatever else has changed by then", async () => {
    const answer = await send({ v: 9, protocol: { min: 2, max: 4 }, more: true });
    expect(answer.status).toBe(426);
    expect(problem(answer)).toMatchObject({
      code: "HS_MESSAGE_VERSION",
      details: { found: "2 to 4", accepted: "1 to 1" },
    });
  });

  it("too deep, too large, no JSON, no UTF-8, __proto__: refused, and the server lives", async () => {
    const deep = `{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`;
    const proto = JSON.stringify(HEARTBEAT_ENVELOPE).replace('"body":{', '"body":{"__proto__":{"role":"primary"},');
    const escaped = proto.replace("__proto__", "\\u005f_proto__");
    for (const text of [deep, proto, escaped, "{", "", "\u0000", "[]", "null"])
      expect((await send(Buffer.from(text))).status, text.slice(0, 20)).toBe(400);
    expect((await send(Buffer.from([0xff, 0xfe]))).status).toBe(400);
    expect((await send(Buffer.alloc(64 * 1024, 32))).status).toBe(400);
    const large = await signedRequest(server.address, Buffer.alloc(64 * 1024 + 1, 32));
    const tooLarge = await sendRaw(server.address, large).catch(() => null);
    expect(tooLarge === null || tooLarge.status === 413).toBe(true);
    expect(({} as { role?: string }).role).toBeUndefined();
    expect((await send(HEARTBEAT_ENVELOPE)).status).toBe(200);
  });

  it("another content type, or none", async () => {
    const request = await signedRequest(server.address, HEARTBEAT_ENVELOPE);
    for (const type of ["text/plain", "application/xml"]) {
      const answer = await sendRaw(server.address, { ...request, fields: { ...request.fields, "content-type": type } });
      expect(problem(answer).code).toBe("HS_MESSAGE_INVALID");
    }
  });

  it("a chunked body is verified like any other", async () => {
    const request = await signedRequest(server.address, HEARTBEAT_ENVELOPE);
    const lines = Object.entries({ ...request.fields, "transfer-encoding": "chunked", connection: "close" });
    const head = `POST ${request.target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}`;
    const chunked = (body: Buffer) =>
      Buffer.concat([Buffer.from(`${head}\r\n${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")]);
    const changed = Buffer.from(request.body.toString().replace('"originMs":1', '"originMs":2'));
    expect((await sendBytes(server.address, chunked(changed))).status).toBe(401);
    expect((await sendBytes(server.address, chunked(request.body))).status).toBe(200);
  });

  it("nothing that it says holds the secret", async () => {
    const answers = await Promise.all([
      send({ ...HEARTBEAT_ENVELOPE, to: "host-b" }),
      send(HEARTBEAT_ENVELOPE, { createdMs: 1000, name: "appended" }),
      sendRaw(server.address, { target: "/hotspare/v1/heartbeat", fields: { host: "x" }, body: Buffer.from("{}") }),
    ]);
    const said = answers.map(({ body }) => body.toString()).join() + JSON.stringify(server.refused);
    for (const encoding of ["hex", "base64", "latin1"] as const) expect(said).not.toContain(SECRET.toString(encoding));
    expect(server.refused).toHaveLength(3);
  });

  it("nonces of one series arrive in any order, each once", async () => {
    const series = makeSeries(systemRandom);
    const statuses = [];
    for (const counter of [2, 1, 3, 2])
      statuses.push((await send(HEARTBEAT_ENVELOPE, { nonce: makeNonce(series, counter, systemRandom) })).status);
    expect(statuses).toEqual([200, 200, 200, 401]);
  });
});
