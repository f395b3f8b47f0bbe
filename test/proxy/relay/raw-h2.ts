/** A client that writes frames of HTTP/2 itself, and so can say what no library lets anybody say. */
import { readFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import type { Address } from "../../../shared/config/config.ts";
import { until } from "../../until.ts";

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export type Field = readonly [name: string, value: string];

export const GET: readonly Field[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "a"],
  [":path", "/"],
];
export const POST: readonly Field[] = [[":method", "POST"], ...GET.slice(1)];

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD_BYTES = 9;
/** `:status` in the table that both sides know (RFC 7541, A). */
const STATUS_OF: Readonly<Record<number, number>> = {
  0x88: 200,
  0x89: 204,
  0x8a: 206,
  0x8b: 304,
  0x8c: 400,
  0x8d: 404,
};

export class RawH2 {
  readonly frames: Frame[] = [];
  closed = false;
  readonly #socket: TLSSocket;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => (this.closed = true));
  }

  /** After the preface, with settings exchanged. */
  static async open({ host, port }: Address, ca: string): Promise<RawH2> {
    const socket = connect({ host, port, ca: readFileSync(ca), ALPNProtocols: ["h2"] });
    const client = new RawH2(socket);
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    socket.write(PREFACE);
    client.frame(FRAME.settings, 0, 0);
    await until(() => client.frames.some(({ type, flags }) => type === FRAME.settings && flags === ACK));
    return client;
  }

  frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): void {
    this.#socket.write(frameOf(type, flags, stream, payload));
  }

  request(stream: number, fields: readonly Field[], flags = END_STREAM): void {
    this.frame(FRAME.headers, flags | END_HEADERS, stream, block(fields));
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** The status of the answer on `stream`; "reset" if there is none, "closed" if the connection has ended. */
  async outcome(stream: number): Promise<number | "reset" | "closed"> {
    const find = (type: number): Frame | undefined =>
      this.frames.find((one) => one.type === type && one.stream === stream);
    await until(() => find(FRAME.headers) !== undefined || find(FRAME.reset) !== undefined || this.closed);
    const answer = find(FRAME.headers);
    if (answer !== undefined) return STATUS_OF[answer.payload[0] ?? 0] ?? 0;
    return find(FRAME.reset) === undefined ? "closed" : "reset";
  }

  /** The code that the connection was ended with. */
  get goneWith(): number | null {
    return this.frames.findLast(({ type }) => type === FRAME.goaway)?.payload.readUInt32BE(4) ?? null;
  }

  /** Reads nothing more. */
  pause(): void {
    this.#socket.pause();
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= FRAME_HEAD_BYTES) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < FRAME_HEAD_BYTES + length) return;
      const [type, flags, stream] = [this.#rest[3] ?? 0, this.#rest[4] ?? 0, this.#rest.readUInt32BE(5)];
      const payload = this.#rest.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + length);
      this.#rest = this.#rest.subarray(FRAME_HEAD_BYTES + length);
      this.frames.push({ type, flags, stream, payload });
      if (type === FRAME.settings && flags !== ACK) this.frame(type, ACK, 0);
      if (type === FRAME.ping && flags !== ACK) this.frame(type, ACK, 0, payload);
    }
  }
}

export function frameOf(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Fields as literals that no table keeps, octet by octet as they are (RFC 7541, 6.2.2). */
export const block = (fields: readonly Field[]): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]));

function literal(text: string): Buffer {
  const octets = Buffer.from(text, "latin1");
  const length: number[] = [];
  if (octets.length < 127) length.push(octets.length);
  else {
    length.push(127);
    let left = octets.length - 127;
    for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) + 128);
    length.push(left);
  }
  return Buffer.concat([Buffer.from(length), octets]);
}
