import { createConnection } from "node:net";
import { Readable } from "node:stream";
import { request as httpRequest } from "node:http";
import type { FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { AppListener } from "../../../host/app/app-listener.ts";
import { AppServer } from "../../../host/app/app-server.ts";
import type { App } from "../../../host/app/app.ts";
import type { Pool } from "../../../host/app/pool.ts";
import { HotspareError, type ErrorCode } from "../../../shared/errors.ts";
import type { Address } from "../../../shared/config/config.ts";
import { systemSockets } from "../../../shared/sockets.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { FakePoolAccess, FENCE_ID, silent } from "./fake-pool-access.ts";
import { until } from "../../until.ts";

const NUMBER = `${"1a".repeat(16)}-42`;
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(register: App, access = new FakePoolAccess()) {
  const server = await AppServer.create({ access, app: { name: "test", register, schema: [] }, log: silent });
  const listener = new AppListener({ servers: [server], clock: systemClock, sockets: systemSockets, log: silent });
  const address = await listener.listen({ host: "127.0.0.1", port: 0 });
  closers.push(() => listener.close(0));
  return { access, server, listener, address, fastify: server.fastify };
}

/** A handler that writes, and answers success whatever the pool said. */
const liar =
  (answer: unknown): App =>
  (app, { pool }) => {
    app.post("/lie", async (request, reply) => {
      await pool.write(request, () => 1).catch(() => null);
      return reply.header("set-cookie", "a=b").header("content-length", "2").type("text/plain").send(answer);
    });
  };

const failing = (code: ErrorCode): FakePoolAccess => {
  const access = new FakePoolAccess();
  access.onWrite = () => Promise.reject(new HotspareError(code, { pool: "main" }));
  access.onRead = () => Promise.reject(new HotspareError(code, { pool: "main" }));
  return access;
};

interface RawAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** `null`: the connection broke before or within the answer. */
function send(
  address: Address,
  path: string,
  headers: Record<string, string> = {},
  body = "",
): Promise<RawAnswer | null> {
  return new Promise((resolve) => {
    const call = httpRequest({ ...address, path, method: "POST", headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("error", () => resolve(null));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
    });
    call.on("error", () => resolve(null));
    call.end(body);
  });
}

describe("an answer whose pool call was not applied", () => {
  for (const [code, outcome] of [
    ["HS_NOT_PRIMARY", "not-primary"],
    ["HS_NOT_APPLIED", "not-applied"],
  ] as const) {
    it(`${code}: is overridden whatever the handler caught and returned`, async () => {
      for (const answer of ["ok", Readable.from(["o", "k"]), Buffer.from("ok")]) {
        const { address } = await start(liar(answer), failing(code));
        const got = await send(address, "/lie", { "hotspare-request": NUMBER });
        expect(got).toMatchObject({ status: 503, headers: { "hotspare-outcome": outcome } });
        expect(got?.headers).toMatchObject({
          "hotspare-epoch": "3",
          "hotspare-owner": "host-b",
          "hotspare-fence": FENCE_ID,
        });
        expect(got?.headers["content-type"]).toContain("application/problem+json");
        expect(got?.headers["set-cookie"]).toBeUndefined();
        expect(got?.headers["hotspare-lsn"]).toBeUndefined();
        expect(JSON.parse(got?.body ?? "")).toMatchObject({ code, status: 503 });
      }
    });
  }

  it("is overridden where the handler does not catch, and where the application has an error handler of its own", async () => {
    const { address } = await start((app, { pool }) => {
      app.setErrorHandler((_error, _request, reply) => void reply.code(200).send("never mind"));
      app.post("/", (request) => pool.write(request, () => 1));
    }, failing("HS_NOT_APPLIED"));
    expect(await send(address, "/")).toMatchObject({ status: 503, headers: { "hotspare-outcome": "not-applied" } });
  });

  it("is overridden when a hook of the application's changes status and fields afterwards", async () => {
    const { address } = await start((app, { pool }) => {
      app.addHook("onSend", async (_request, reply) => void reply.code(200).header("hotspare-outcome", "none"));
      app.post("/", (request) => pool.write(request, () => 1));
    }, failing("HS_NOT_APPLIED"));
    expect((await send(address, "/"))?.status).toBe(503);
  });

  it("is a failure too where the handler took the reply over and writes it by itself", async () => {
    const { address } = await start((app, { pool }) => {
      app.post("/", async (request, reply) => {
        reply.hijack();
        await pool.write(request, () => 1).catch(() => null);
        reply.raw.end("all is well");
      });
    }, failing("HS_NOT_APPLIED"));
    expect(await send(address, "/")).toMatchObject({ status: 503, headers: { "hotspare-outcome": "not-applied" } });
  });

  it("cuts the connection where an answer has begun: half a success must not look whole", async () => {
    const { address } = await start((app, { pool }) => {
      app.post("/", async (request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200);
        reply.raw.write("all is ");
        await pool.write(request, () => 1).catch(() => null);
        reply.raw.end("well");
      });
    }, failing("HS_NOT_APPLIED"));
    expect(await send(address, "/")).toBeNull();
  });

  it("covers a read that this host may not answer", async () => {
    const { fastify } = await start((app, { pool }) => {
      app.get("/", async (request) => await pool.read(request, () => "stale").catch(() => "stale anyway"));
    }, failing("HS_NOT_PRIMARY"));
    const answer = await fastify.inject({ url: "/" });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["hotspare-outcome"]).toBe("not-primary");
  });

  it("covers the first write when a later one succeeds", async () => {
    const access = new FakePoolAccess();
    const succeed = access.onWrite;
    access.onWrite = (write) =>
      access.writes.length === 1 ? Promise.reject(new HotspareError("HS_NOT_APPLIED")) : succeed(write);
    const { fastify } = await start((app, { pool }) => {
      app.post("/", async (request) => {
        await pool.write(request, () => 1).catch(() => null);
        return await pool.write(request, "second", () => 2);
      });
    }, access);
    expect((await fastify.inject({ url: "/", method: "POST" })).statusCode).toBe(503);
  });

  it("leaves errors that are the application's business to it", async () => {
    const { fastify } = await start(liar("ok"), failing("HS_KEY_REUSED"));
    expect(await fastify.inject({ url: "/lie", method: "POST" })).toMatchObject({ statusCode: 200, body: "ok" });
  });
});

describe("an unknown outcome", () => {
  it("cuts a relayed request off without an answer, so that the proxy asks again under the same key", async () => {
    const { address } = await start(liar("ok"), failing("HS_OUTCOME_UNKNOWN"));
    expect(await send(address, "/lie", { "hotspare-request": NUMBER })).toBeNull();
  });

  it("is said to a client that asked directly", async () => {
    const { address } = await start(liar("ok"), failing("HS_OUTCOME_UNKNOWN"));
    const answer = await send(address, "/lie");
    expect(answer?.status).toBe(502);
    expect(answer?.headers["hotspare-outcome"]).toBeUndefined();
    expect(JSON.parse(answer?.body ?? "")).toMatchObject({ code: "HS_OUTCOME_UNKNOWN" });
  });

  it("prevails over a write of the same request that certainly did not happen", async () => {
    const access = new FakePoolAccess();
    access.onWrite = () =>
      Promise.reject(new HotspareError(access.writes.length === 1 ? "HS_NOT_APPLIED" : "HS_OUTCOME_UNKNOWN"));
    const { address } = await start((app, { pool }) => {
      app.post("/", async (request) => {
        await pool.write(request, () => 1).catch(() => null);
        await pool.write(request, "b", () => 1).catch(() => null);
        return "ok";
      });
    }, access);
    expect(await send(address, "/", { "hotspare-request": NUMBER })).toBeNull();
    expect(access.writes).toHaveLength(2);
  });
});

describe("the epoch that a proxy has seen", () => {
  it("a higher one than the own: not primary, before the handler runs", async () => {
    let handled = 0;
    const { fastify } = await start((app) => void app.get("/", () => ({ handled: ++handled })));
    const late = await fastify.inject({ url: "/", headers: { "hotspare-epoch": "4" } });
    expect(late.statusCode).toBe(503);
    expect(late.headers).toMatchObject({
      "hotspare-outcome": "not-primary",
      "hotspare-epoch": "3",
      "hotspare-owner": "host-b",
    });
    expect(handled).toBe(0);
    for (const epoch of ["3", "2", "x"]) {
      expect((await fastify.inject({ url: "/", headers: { "hotspare-epoch": epoch } })).statusCode).toBe(200);
    }
  });

  it("any one where this host knows no fence: not primary, without fence fields", async () => {
    const access = new FakePoolAccess();
    access.fence = null;
    const { fastify } = await start((app) => void app.get("/", () => "ok"), access);
    const late = await fastify.inject({ url: "/", headers: { "hotspare-epoch": "1" } });
    expect(late.headers["hotspare-outcome"]).toBe("not-primary");
    expect(late.headers["hotspare-owner"]).toBeUndefined();
  });
});

describe("the key of a write", () => {
  const echo: App = (app, { pool }) => {
    app.post("/a", async (request) => (await pool.write(request, () => request.body)).value);
    app.post("/b", async (request) => (await pool.write(request, () => request.body)).value);
    app.post("/two", async (request) => {
      await pool.write(request, () => 1);
      await pool.write(request, "second", () => 2);
      return "ok";
    });
  };
  const keyOf = async (options: { url?: string; headers?: Record<string, string>; payload?: object | string }) => {
    const { fastify, access } = await start(echo);
    await fastify.inject({ method: "POST", url: "/a", ...options });
    return access.writes.map(({ key }) => key);
  };
  const client = { "idempotency-key": "k1" };

  it("there is none where nobody will ask again", async () => {
    expect(await keyOf({})).toEqual([null]);
    expect(await keyOf({ headers: { "hotspare-request": "not a number" } })).toEqual([null]);
  });

  it("a client's is scoped by method, path and who is authorised, not by the query", async () => {
    const [base] = await keyOf({ headers: client });
    expect(base).toMatchObject({ source: "client", firstSentLogTimeMs: null });
    expect((await keyOf({ headers: client, url: "/a?x=1" }))[0]?.key).toBe(base?.key);
    expect((await keyOf({ headers: client, url: "/b" }))[0]?.key).not.toBe(base?.key);
    expect((await keyOf({ headers: { ...client, authorization: "Bearer x" } }))[0]?.key).not.toBe(base?.key);
    expect((await keyOf({ headers: { "idempotency-key": "k2" } }))[0]?.key).not.toBe(base?.key);
  });

  it("a client's goes before the proxy's number; the number alone is a key", async () => {
    const [both] = await keyOf({ headers: { ...client, "hotspare-request": NUMBER } });
    expect(both?.source).toBe("client");
    const [proxy] = await keyOf({ headers: { "hotspare-request": NUMBER } });
    expect(proxy?.source).toBe("proxy");
    const [other] = await keyOf({ headers: { "hotspare-request": `${"1a".repeat(16)}-43` } });
    expect(other?.key).not.toBe(proxy?.key);
  });

  it("tells when it was first sent only for an attempt after the first", async () => {
    const at = (attempt: string) => ({
      "hotspare-request": NUMBER,
      "hotspare-log-time": "5000",
      "hotspare-attempt": attempt,
    });
    expect((await keyOf({ headers: at("1") }))[0]?.firstSentLogTimeMs).toBeNull();
    expect((await keyOf({ headers: at("2") }))[0]?.firstSentLogTimeMs).toBe(5000);
  });

  it("each named write of a request has its own", async () => {
    const [first, second] = await keyOf({ url: "/two", headers: client });
    expect(first?.key).not.toBe(second?.key);
  });

  it("one that is empty or too long is refused", async () => {
    const { fastify } = await start(echo);
    for (const key of ["", "x".repeat(256)]) {
      const answer = await fastify.inject({ method: "POST", url: "/a", headers: { "idempotency-key": key } });
      expect(answer.json()).toMatchObject({ code: "HS_REQUEST_INVALID", status: 400 });
    }
  });

  it("the request hash covers target, content type, conditions and body, and no forwarding field", async () => {
    const hashOf = async (options: Parameters<typeof keyOf>[0]) =>
      (await keyOf({ payload: { n: 1 }, ...options, headers: { ...client, ...options.headers } }))[0]?.requestHash;
    const base = await hashOf({});
    expect(await hashOf({ headers: { "x-forwarded-for": "1.2.3.4", via: "1.1 p", "hotspare-attempt": "2" } })).toBe(
      base,
    );
    expect(await hashOf({ payload: { n: 2 } })).not.toBe(base);
    expect(await hashOf({ url: "/a?x=1" })).not.toBe(base);
    expect(await hashOf({ headers: { "if-match": '"1"' } })).not.toBe(base);
    expect(await hashOf({ headers: { "content-type": "application/json; charset=utf-8" } })).not.toBe(base);
  });

  it("the request hash is the same however the body was cut into packets", async () => {
    const { address, access } = await start(echo);
    const body = JSON.stringify({ text: "x".repeat(200_000) });
    const head = `POST /a HTTP/1.1\r\nhost: a\r\nidempotency-key: k\r\ncontent-type: application/json\r\nconnection: close\r\n`;
    const whole = `${head}content-length: ${body.length}\r\n\r\n${body}`;
    const chunked = `${head}transfer-encoding: chunked\r\n\r\n${chunksOf(body, 1000)}0\r\n\r\n`;
    for (const [text, step] of [
      [whole, whole.length],
      [whole, 4999],
      [chunked, 777],
    ] as const) {
      await new Promise<void>((resolve) => {
        const socket = createConnection(address.port, address.host, () => {
          for (let at = 0; at < text.length; at += step) socket.write(text.slice(at, at + step));
        });
        socket.resume().on("close", resolve);
      });
    }
    const hashes = access.writes.map(({ key }) => key?.requestHash);
    expect(hashes).toHaveLength(3);
    expect(new Set(hashes).size).toBe(1);
  });

  it("a write before the body has arrived is misuse, because the request is not known yet", async () => {
    const { fastify } = await start((app, { pool }) => {
      app.addContentTypeParser("application/octet-stream", (_request, payload, done) => done(null, payload));
      app.post("/", async (request) => await pool.write(request, () => 1));
    });
    const payload = Readable.from([Buffer.from("abc")]);
    const headers = { ...client, "content-type": "application/octet-stream", "transfer-encoding": "chunked" };
    const answer = await fastify.inject({ method: "POST", url: "/", headers, payload });
    expect(answer.json()).toMatchObject({ code: "HS_WRITE_MISUSE" });
  });
});

const chunksOf = (text: string, size: number): string =>
  (text.match(new RegExp(`.{1,${size}}`, "gs")) ?? [])
    .map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
    .join("");

describe("pool.write", () => {
  const misuses = async (run: (app: FastifyInstance, pool: Pool) => void, method: "POST" | "GET" = "POST") => {
    const { fastify, access } = await start((app, { pool }) => run(app, pool));
    const answer = await fastify.inject({ method, url: "/" });
    return { code: answer.json<{ code: string }>().code, writes: access.writes.length };
  };

  it("a second one without a name in one request is refused, so is a name used twice", async () => {
    const unnamed = await misuses((app, pool) => {
      app.post("/", async (request) => {
        await pool.write(request, () => 1);
        return await pool.write(request, () => 2);
      });
    });
    expect(unnamed).toEqual({ code: "HS_WRITE_MISUSE", writes: 1 });
    const twice = await misuses((app, pool) => {
      app.post("/", async (request) => {
        await pool.write(request, "a", () => 1);
        return await pool.write(request, "a", () => 2);
      });
    });
    expect(twice).toEqual({ code: "HS_WRITE_MISUSE", writes: 1 });
  });

  it("one in a GET is refused", async () => {
    const got = await misuses((app, pool) => void app.get("/", (request) => pool.write(request, () => 1)), "GET");
    expect(got).toEqual({ code: "HS_WRITE_MISUSE", writes: 0 });
  });

  it("one after the answer is refused", async () => {
    let late: Promise<unknown> = Promise.resolve();
    const { fastify } = await start((app, { pool }) => {
      app.post("/", async (request, reply) => {
        await reply.send("done");
        late = pool.write(request, () => 1);
        late.catch(() => undefined);
      });
    });
    await fastify.inject({ method: "POST", url: "/" });
    await expect(late).rejects.toMatchObject({ code: "HS_WRITE_MISUSE" });
  });

  it("an application that touches the pool while it registers is refused", async () => {
    const touching: App[] = [
      (_app, { pool }) => pool.checkpoint("now"),
      async (_app, { pool }) => void (await pool.write("key", () => 1)),
      async (_app, { pool }) => void (await pool.read("local", () => 1)),
    ];
    for (const register of touching) {
      await expect(start(register)).rejects.toMatchObject({
        code: "HS_APP_INVALID",
        cause: expect.objectContaining({ code: "HS_WRITE_MISUSE" }),
      });
    }
  });

  it("gives the stored JSON, also the first time", async () => {
    const { fastify } = await start((app, { pool }) => {
      app.post("/", async (request) => {
        const { value, lsn, replayed } = await pool.write(request, () => ({ at: new Date(0), gone: undefined }));
        return { value, lsn, replayed };
      });
    });
    const answer = await fastify.inject({ method: "POST", url: "/" });
    expect(answer.json()).toEqual({ value: { at: "1970-01-01T00:00:00.000Z" }, lsn: 8, replayed: false });
  });

  it("by a key given as text needs no request", async () => {
    let pool: Pool | undefined;
    const { access } = await start((_app, options) => void (pool = options.pool));
    await pool?.write("nightly-7", () => 1);
    await pool?.write("nightly-7", "part two", () => 1);
    const [one, two] = access.writes.map(({ key }) => key);
    expect(one).toMatchObject({ source: "client", firstSentLogTimeMs: null });
    expect(two?.key).not.toBe(one?.key);
    expect(two?.requestHash).toBe(one?.requestHash);
  });
});

describe("Hotspare-Lsn and consistency", () => {
  const app: App = (app, { pool }) => {
    app.get("/", async (request) => await pool.read(request, () => "state"));
    app.get("/static", () => "no pool");
    app.post("/", async (request) => {
      await pool.write(request, () => 1);
      await pool.write(request, "b", () => 1);
      return "ok";
    });
    app.post("/refused", async (request) => {
      return await pool.write(request, () => {
        throw Object.assign(new Error("taken"), { statusCode: 409, code: "TAKEN" });
      });
    });
  };

  it("a write's answer carries the highest commit, a read's the state it saw, others nothing", async () => {
    const { fastify } = await start(app);
    expect((await fastify.inject({ url: "/" })).headers["hotspare-lsn"]).toBe("7");
    expect((await fastify.inject({ method: "POST", url: "/" })).headers["hotspare-lsn"]).toBe("9");
    expect((await fastify.inject({ url: "/static" })).headers["hotspare-lsn"]).toBeUndefined();
  });

  it("a refusal carries the state that it was judged by", async () => {
    const { fastify } = await start(app);
    const answer = await fastify.inject({ method: "POST", url: "/refused" });
    expect(answer.json()).toMatchObject({ status: 409, code: "TAKEN", detail: "taken" });
    expect(answer.headers["hotspare-lsn"]).toBe("7");
  });

  it("fields choose the consistency; what cannot be understood is refused", async () => {
    const { fastify, access } = await start(app);
    const get = (headers: Record<string, string>) => fastify.inject({ url: "/", headers });
    await get({});
    await get({ "hotspare-lsn": "5" });
    await get({ "hotspare-lsn": "5", "hotspare-consistency": "local" });
    await get({ "hotspare-lsn": "5", "hotspare-consistency": "linearizable" });
    expect(access.reads).toEqual([
      { type: "linearizable" },
      { type: "session", lsn: 5 },
      { type: "local" },
      { type: "linearizable" },
    ]);
    for (const headers of [
      { "hotspare-lsn": "-1" },
      { "hotspare-lsn": "1, 2" },
      { "hotspare-consistency": "eventual" },
    ]) {
      expect((await get(headers)).json()).toMatchObject({ status: 400, code: "HS_REQUEST_INVALID" });
    }
  });
});

describe("errors as problems", () => {
  const app: App = (app) => {
    app.post("/", (request) => request.body);
    app.get("/bug", () => {
      throw new Error("password=hunter2");
    });
    app.get("/coded", () => {
      throw new HotspareError("HS_WRITE_OVERLOAD", { accepted: "1" });
    });
  };
  const json = { "content-type": "application/json" };
  const rows = [
    ["an unknown path", { url: "/nowhere" }, 404, "HS_ROUTE_ABSENT"],
    ["bad JSON", { method: "POST", url: "/", headers: json, payload: "{" }, 400, "HS_BODY_INVALID"],
    ["an empty body", { method: "POST", url: "/", headers: json, payload: "" }, 400, "HS_BODY_INVALID"],
    [
      "a prototype in JSON",
      { method: "POST", url: "/", headers: json, payload: '{"__proto__":{}}' },
      400,
      "HS_BODY_INVALID",
    ],
    [
      "an unknown type",
      { method: "POST", url: "/", headers: { "content-type": "a/b" }, payload: "x" },
      415,
      "HS_MEDIA_TYPE",
    ],
    [
      "too large a body",
      { method: "POST", url: "/", headers: json, payload: `"${"x".repeat(9e6)}"` },
      413,
      "HS_BODY_TOO_LARGE",
    ],
    ["a broken escape in the path", { url: "/%zz" }, 400, "HS_REQUEST_INVALID"],
    ["a bug", { url: "/bug" }, 500, "HS_INTERNAL"],
    ["an error of Hotspare's", { url: "/coded" }, 503, "HS_WRITE_OVERLOAD"],
  ] as const;

  for (const [name, call, status, code] of rows) {
    it(`${name}: ${status} ${code}`, async () => {
      const { fastify } = await start(app);
      const answer = await fastify.inject(call);
      expect(answer.statusCode).toBe(status);
      expect(answer.headers["content-type"]).toContain("application/problem+json");
      expect(answer.json()).toMatchObject({ code, status, type: `urn:hotspare:error:${code}` });
      expect(answer.body).not.toContain("hunter2");
      expect(answer.headers["retry-after"]).toBe(status === 503 ? "1" : undefined);
    });
  }
});

describe("the listener", () => {
  it("names the address that is taken", async () => {
    const { address } = await start(() => undefined);
    const second = new AppListener({ servers: [], clock: systemClock, sockets: systemSockets, log: silent });
    await expect(second.listen(address)).rejects.toMatchObject({ code: "HS_PORT_TAKEN" });
  });

  it("picks the application by the pool that a request names", async () => {
    const { address } = await start((app) => void app.post("/", () => "ok"));
    expect((await send(address, "/", { "hotspare-pool": "main" }))?.status).toBe(200);
    const absent = await send(address, "/", { "hotspare-pool": "other" });
    expect(JSON.parse(absent?.body ?? "")).toMatchObject({ status: 404, code: "HS_NO_ROUTE" });
  });

  it("finishes what is being handled before it is closed, then runs the application's close", async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const events: string[] = [];
    const { address, listener } = await start((app) => {
      app.addHook("onClose", () => void events.push("application closed"));
      app.post("/", async () => {
        events.push("handling");
        await gate;
        events.push("handled");
        return "ok";
      });
    });
    const answer = send(address, "/");
    await until(() => events.length === 1, { timeoutMs: 5000 });
    const closed = listener.close(60_000);
    release();
    expect((await answer)?.body).toBe("ok");
    await closed;
    expect(events).toEqual(["handling", "handled", "application closed"]);
    expect(await send(address, "/")).toBeNull();
  });

  it("cuts what does not end within the grace", async () => {
    let handling = false;
    const { address, listener } = await start((app) => {
      app.post("/", async () => {
        handling = true;
        await new Promise(() => undefined);
      });
    });
    const answer = send(address, "/");
    await until(() => handling, { timeoutMs: 5000 });
    await listener.close(1);
    expect(await answer).toBeNull();
  });

  it("answers what is no HTTP with a problem", async () => {
    const { address } = await start(() => undefined);
    const text = await new Promise<string>((resolve) => {
      let got = "";
      const socket = createConnection(address.port, address.host, () => socket.write("HELO\r\n\r\n"));
      socket.on("data", (chunk) => (got += chunk.toString())).on("close", () => resolve(got));
    });
    expect(text).toContain("400 Bad Request");
    expect(text).toContain("HS_REQUEST_INVALID");
  });
});

describe("events", () => {
  it("reach the application until it stops them; a listener that throws harms nobody", async () => {
    const seen: string[] = [];
    let stop = (): void => undefined;
    const { access } = await start((_app, { pool }) => {
      stop = pool.on("change", () => {
        seen.push("change");
        throw new Error("a bug");
      });
      pool.on("primary", () => void seen.push("primary"));
    });
    access.tell("primary");
    access.tell("change");
    stop();
    access.tell("change");
    expect(seen).toEqual(["primary", "change"]);
  });
});
