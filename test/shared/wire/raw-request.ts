/** A signed request as text that a test may damage anywhere before it is sent, and the answer as it came. */
import { connect } from "node:net";
import type { Address } from "../../../shared/config/config.ts";
import { formatAddress } from "../../../shared/config/config.ts";
import { systemRandom } from "../../../shared/random.ts";
import { messageKey } from "../../../shared/signature/message-key.ts";
import { signRequest } from "../../../shared/signature/message-signature.ts";
import { makeNonce, makeSeries, type Nonce } from "../../../shared/signature/nonce.ts";
import { HOST, HOST_BOOT, PROXY, SECRET } from "./nodes.ts";

export interface RawRequest {
  readonly target: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface RawAnswer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export const freshNonce = (): Nonce => makeNonce(makeSeries(systemRandom), 1, systemRandom);

export const HEARTBEAT_ENVELOPE = {
  v: 1,
  protocol: { min: 1, max: 1 },
  cluster: "demo",
  from: PROXY,
  to: HOST,
  sentAt: 0,
  id: "f".repeat(32),
  body: { bootId: HOST_BOOT, originMs: 1 },
};

export async function signedRequest(
  address: Address,
  message: unknown,
  { nonce = freshNonce(), createdMs = Date.now(), name = "heartbeat", secret = SECRET } = {},
): Promise<RawRequest> {
  const body = Buffer.isBuffer(message) ? message : Buffer.from(JSON.stringify(message));
  const authority = formatAddress(address);
  const target = `/hotspare/v1/${name}`;
  const signed = await signRequest(
    messageKey(secret),
    { method: "POST", authority, target, body },
    { nonce, createdMs },
  );
  return { target, body, fields: { ...signed, host: authority, "content-type": "application/json" } };
}

export function bytesOf({ target, fields, body }: RawRequest): Buffer {
  const lines = Object.entries({
    "content-type": "application/json",
    ...fields,
    "content-length": String(body.length),
  });
  const head = `POST ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

/** Writes the request as it is, on a connection of its own. */
export const sendRaw = (address: Address, request: RawRequest): Promise<RawAnswer> =>
  sendBytes(address, bytesOf({ ...request, fields: { ...request.fields, connection: "close" } }));

export function sendBytes({ host, port }: Address, bytes: Buffer): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(parseAnswer(Buffer.concat(chunks))));
    socket.write(bytes);
  });
}

function parseAnswer(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf("\r\n\r\n");
  const [status = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const fields = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  return { status: Number(status.split(" ")[1]), fields, body: bytes.subarray(end + 4) };
}
