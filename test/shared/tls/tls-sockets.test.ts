import { once } from "node:events";
import { createServer, request as httpRequest, type Server } from "node:http";
import { connect as connectPlain, type Socket } from "node:net";
import {
  connect as connectTls,
  createServer as createTlsServer,
  type ConnectionOptions,
  type TLSSocket,
} from "node:tls";
import { readFileSync } from "node:fs";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Address, TlsFiles } from "../../../shared/config/config.ts";
import { DialingAgent } from "../../../shared/dialing-agent.ts";
import { onceOpen, systemSockets, type Sockets } from "../../../shared/sockets.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { TlsIdentity } from "../../../shared/tls/tls-identity.ts";
import { readTlsMaterial } from "../../../shared/tls/tls-material.ts";
import { TlsSockets } from "../../../shared/tls/tls-sockets.ts";
import type { MessageRefused } from "../../../shared/wire/message-server.ts";
import { Authority } from "../../certificates.ts";
import { until } from "../../until.ts";

const ours = new Authority("ours");
const theirs = new Authority("theirs");
const node = ours.issue("node");
const stranger = theirs.issue("stranger");
const ANY: Address = { host: "127.0.0.1", port: 0 };

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});
afterAll(() => [ours, theirs].forEach((authority) => authority.remove()));

interface Side extends Sockets {
  readonly identity: TlsIdentity;
  readonly refused: MessageRefused[];
}

async function sideOf(files: TlsFiles): Promise<Side> {
  const identity = new TlsIdentity(await readTlsMaterial("control", files));
  const refused: MessageRefused[] = [];
  const onRefused = (refusal: MessageRefused): void => void refused.push(refusal);
  const sockets = new TlsSockets({ identity, under: systemSockets, clock: systemClock, names: "checked", onRefused });
  return {
    identity,
    refused,
    listen: (server, address, what) => sockets.listen(server, address, what),
    dial: (address) => sockets.dial(address),
  };
}

/** Answers each request with its path; `asked` has the paths. */
async function listener(sockets: Sockets): Promise<{ server: Server; address: Address; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end(`${request.url} ${(request.socket as TLSSocket).encrypted ? "encrypted" : "plain"}`);
  });
  const address = await sockets.listen(server, ANY, "test");
  stops.push(() => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    return closed;
  });
  return { server, address, asked };
}

function ask(sockets: Pick<Sockets, "dial">, { host, port }: Address, path = "/"): Promise<string> {
  const agent = new DialingAgent({ ...systemSockets, dial: (address) => sockets.dial(address) }, {});
  return new Promise((resolve) => {
    const sent = httpRequest({ host, port, path, agent }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += String(chunk)));
      answer.on("end", () => resolve(`${answer.statusCode} ${text}`));
    });
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(`failed ${error.code}`));
    sent.end();
  });
}

const by = (options: ConnectionOptions): Pick<Sockets, "dial"> => ({
  dial: ({ host, port }) => connectTls({ host, port, servername: "localhost", ca: readFileSync(ours.ca), ...options }),
});

const pem = ({ cert, key }: TlsFiles): { readonly cert: Buffer; readonly key: Buffer } => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
});

describe("a listener with TLS", () => {
  test("takes requests of whom it trusts", async () => {
    const side = await sideOf(node);
    const { address } = await listener(side);
    expect(await ask(side, address, "/a")).toBe("200 /a encrypted");
    expect(side.refused).toEqual([]);
  });

  test("without a CA asks clients for no certificate", async () => {
    const { address } = await listener(await sideOf({ ...node, ca: null }));
    expect(await ask(by({}), address)).toBe("200 / encrypted");
  });

  test.each([
    ["no certificate", {}, "the client showed no certificate"],
    ["the certificate of another CA", pem(stranger), "the client's certificate is not trusted"],
  ])("tells a client with %s that it is refused, and passes nothing on", async (_, shown, why) => {
    const side = await sideOf(node);
    const { address, asked } = await listener(side);
    const answer = await ask(by(shown), address);
    expect(answer).toMatch(/^403 .*HS_TLS_REFUSED/);
    expect(answer).toContain(why);
    expect(asked).toEqual([]);
    expect(side.refused).toMatchObject([{ code: "HS_TLS_REFUSED", from: "127.0.0.1" }]);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "with a CA looks at the certificate of each connection: no session is resumed by %s",
    async (maxVersion) => {
      const { address } = await listener(await sideOf(node));
      const visit = async (session: Buffer | null): Promise<{ reused: boolean; session: Buffer | null }> => {
        const shown = { ...pem(node), maxVersion, ...(session ? { session } : {}) };
        const socket = by(shown).dial(address) as TLSSocket;
        let [given, reused]: [Buffer | null, boolean] = [null, false];
        socket.once("secureConnect", () => {
          reused = socket.isSessionReused();
          given = socket.getSession() ?? null;
        });
        socket.on("session", (fresh: Buffer) => (given = fresh));
        socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        socket.resume();
        await once(socket, "close");
        return { reused, session: given };
      };
      const { session } = await visit(null);
      expect((await visit(session)).reused).toBe(false);
    },
  );

  test("speaks nothing older than TLS 1.2", async () => {
    const side = await sideOf(node);
    const { address } = await listener(side);
    const old = by({ ...pem(node), minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" });
    expect(await ask(old, address)).toMatch(/^failed /);
  });

  test("answers plain HTTP with the reason, and goes on", async () => {
    const side = await sideOf(node);
    const { address, asked } = await listener(side);
    expect(await ask(systemSockets, address)).toMatch(/^403 .*this address speaks TLS/);
    const noise = connectPlain(address.port, address.host);
    noise.on("error", () => undefined);
    noise.end("\u0000nonsense\r\n\r\n");
    noise.resume();
    await once(noise, "close");
    expect(await ask(side, address, "/after")).toBe("200 /after encrypted");
    expect(asked).toEqual(["/after"]);
  });

  // Before the handshake would end by its own time.
  test("is closed at once although a handshake stands still", { timeout: 8000 }, async () => {
    const { server, address } = await listener(await sideOf(node));
    const silent = connectPlain(address.port, address.host);
    silent.on("error", () => undefined);
    await once(server, "connection");
    const closed = once(server, "close");
    const ended = once(silent, "close");
    server.close();
    await Promise.all([closed, ended]);
  });

  test("has a bounded number of handshakes: the oldest gives way", async () => {
    const { address } = await listener(await sideOf(node));
    const silent = Array.from({ length: 513 }, () => {
      const socket = connectPlain(address.port, address.host);
      return socket.on("error", () => undefined);
    });
    stops.push(() => silent.forEach((socket) => socket.destroy()));
    await until(() => silent.some((socket) => socket.destroyed || socket.readableEnded || socket.closed));
  });

  test("closes its connections with the rest: those that stand still, and those that are kept", async () => {
    const side = await sideOf(node);
    const { server, address } = await listener(side);
    const kept = side.dial(address);
    await once(kept, "secureConnect");
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await Promise.all([closed, once(kept, "close")]);
  });
});

describe("a connection with TLS", () => {
  test.each([
    ["another CA", stranger],
    ["another address", ours.issue("elsewhere", { names: "IP:10.0.0.1,DNS:elsewhere.test" })],
  ])("does not take a server of %s, and gives it nothing of the request", async (_, files) => {
    const received: Buffer[] = [];
    const server = createTlsServer(pem(files), (socket) => {
      socket.on("data", (bytes) => received.push(bytes));
      socket.on("error", () => undefined);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    stops.push(() => server.close());
    const side = await sideOf(node);
    const { port } = server.address() as { port: number };
    expect(await ask(side, { ...ANY, port }, "/secret")).toMatch(
      /^failed (?:SELF_SIGNED|UNABLE_TO|ERR_TLS_CERT_ALTNAME)/,
    );
    expect(side.refused).toMatchObject([{ code: "HS_TLS_REFUSED", from: `127.0.0.1:${port}` }]);
    expect(Buffer.concat(received).toString()).toBe("");
  });

  test("does not fall back to plain HTTP", async () => {
    const { address, asked } = await listener(systemSockets);
    expect(await ask(await sideOf(node), address)).toMatch(/^failed (?:EPROTO|ERR_SSL)/);
    expect(asked).toEqual([]);
  });

  test("stands when its handshake is done; a plain one when it is connected", async () => {
    const side = await sideOf(node);
    for (const [sockets, event] of [
      [side, "secureConnect"],
      [systemSockets, "connect"],
    ] as const) {
      const { address } = await listener(sockets);
      const socket = sockets.dial(address);
      const order: string[] = [];
      onceOpen(socket, () => order.push("open"));
      socket.once("connect", () => order.push("connect"));
      await once(socket, event);
      expect(order).toEqual(event === "connect" ? ["open", "connect"] : ["connect", "open"]);
      onceOpen(socket, () => order.push("again"));
      expect(order.at(-1)).toBe("again");
      socket.destroy();
    }
  });
});

test("new certificates are shown to new connections, and the old ones go on", async () => {
  const side = await sideOf(node);
  const { server, address } = await listener(side);
  const kept = side.dial(address) as TLSSocket;
  const asks = async (socket: Socket): Promise<string> => {
    const heard = once(socket, "data");
    socket.write("GET /kept HTTP/1.1\r\nhost: x\r\n\r\n");
    return String((await heard)[0]);
  };
  expect(await asks(kept)).toContain("/kept encrypted");
  const before = kept.getPeerX509Certificate()?.subject;
  side.identity.replace(await readTlsMaterial("control", ours.issue("renewed")));
  const fresh = side.dial(address) as TLSSocket;
  expect(await asks(fresh)).toContain("/kept encrypted");
  expect([before, fresh.getPeerX509Certificate()?.subject]).toEqual(["CN=node", "CN=renewed"]);
  expect(await asks(kept)).toContain("/kept encrypted");
  kept.destroy();
  fresh.destroy();
  expect(server.listening).toBe(true);
});
