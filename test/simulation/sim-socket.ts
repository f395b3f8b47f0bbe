/**
 * A connection as a process of the simulation has it: what `node:http`, its agent and http-proxy need of a `net.Socket`,
 * over an end that the simulated kernel keeps. Time-outs are taken and never fire: they would be real time.
 */
import { Duplex } from "node:stream";
import { formatAddress, type Address } from "../../shared/config/config.ts";
import { unreachable } from "../../shared/errors.ts";
import type { SimEnd } from "./sim-end.ts";

export interface SimSocketOptions {
  readonly end: SimEnd;
  readonly local: Address;
  readonly remote: Address;
  /** Else it was accepted, and stands. */
  readonly isDialling: boolean;
}

interface Parser {
  remove(): void;
  close(): void;
}

type Done = (error?: Error | null) => void;

export class SimSocket extends Duplex {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly remoteFamily = "IPv4";
  connecting: boolean;
  /** Set by `node:http`, while it reads messages here. */
  parser: Parser | null = null;
  timeout = 0;
  bytesRead = 0;
  bytesWritten = 0;
  readonly #end: SimEnd;
  readonly #remote: Address;
  #wants = false;
  /** A write that waits: for the connection, or for room. */
  #waiting: Done | null = null;

  constructor({ end, local, remote, isDialling }: SimSocketOptions) {
    // As `net.connect` and `http.Server` have it.
    super({ allowHalfOpen: !isDialling });
    this.#end = end;
    this.#remote = remote;
    this.localAddress = local.host;
    this.localPort = local.port;
    this.remoteAddress = remote.host;
    this.remotePort = remote.port;
    this.connecting = isDialling;
    end.own(() => this.#freeParser());
  }

  get pending(): boolean {
    return this.connecting;
  }

  /** From here on it reads, also when nobody asks for it: so that it notices an end. */
  start(): void {
    this.#end.attach(() => this.#pump());
    this.read(0);
  }

  connected(): void {
    if (this.destroyed || !this.connecting) return;
    this.connecting = false;
    this.emit("connect");
    this.emit("ready");
    if (!this.destroyed) this.start();
  }

  refused(code: string): void {
    const { host: address, port } = this.#remote;
    this.destroy(socketError("connect", code, { address, port }, ` ${formatAddress(this.#remote)}`));
  }

  setTimeout(timeoutMs: number, timedOut?: () => void): this {
    this.timeout = timeoutMs;
    if (timedOut && timeoutMs > 0) this.once("timeout", timedOut);
    else if (timedOut) this.off("timeout", timedOut);
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  address(): { address: string; port: number; family: string } {
    return { address: this.localAddress, port: this.localPort, family: "IPv4" };
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  resetAndDestroy(): this {
    this.#end.abort();
    return this.destroy();
  }

  override _read(): void {
    this.#wants = true;
    if (!this.connecting) this.#pump();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: Done): void {
    // A copy, as a kernel makes one: the writer may use its buffer again.
    this.#send(Buffer.from(chunk), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    this.#whenConnected(() => {
      this.#end.finish();
      done();
    });
  }

  override _destroy(error: Error | null, done: Done): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    // What is given up before it stands is only noticed by the other side when that answers.
    if (this.connecting) this.#end.vanish();
    else this.#end.close();
    this.connecting = false;
    waiting?.(error ?? socketError("write", "ECANCELED"));
    done(error);
  }

  #send(bytes: Buffer, done: Done): void {
    this.#waiting = done;
    this.#whenConnected(() => {
      if (this.#end.isReset) return this.#written(socketError("write", "EPIPE"));
      this.bytesWritten += bytes.length;
      this.#end.send(bytes, () => this.#written(null));
    });
  }

  /** Node's parser is a root of memory until it is freed: it would keep a dead process, and so a whole simulation, for ever. */
  #freeParser(): void {
    const { parser } = this;
    if (!parser) return;
    this.parser = null;
    parser.remove();
    // As Node does: the crash may come out of this very parser.
    setImmediate(() => parser.close());
  }

  #written(error: Error | null): void {
    const done = this.#waiting;
    this.#waiting = null;
    done?.(error);
  }

  #whenConnected(run: () => void): void {
    if (this.connecting) this.once("connect", run);
    else run();
  }

  #pump(): void {
    while (this.#wants && !this.destroyed) {
      const incoming = this.#end.take();
      if (incoming === null) return;
      switch (incoming.type) {
        case "bytes":
          this.bytesRead += incoming.bytes.length;
          this.#wants = this.push(incoming.bytes);
          break;
        case "end":
          this.push(null);
          // Emits `end` though nobody reads, if nothing is left to read.
          this.read(0);
          break;
        case "reset":
          // As libuv has it, an error comes in a turn of its own, when what hangs on the bytes before it is over.
          setImmediate(() => this.destroy(socketError("read", incoming.code)));
          return;
        default:
          return unreachable(incoming);
      }
    }
  }
}

function socketError(syscall: string, code: string, more: object = {}, place = ""): Error {
  return Object.assign(new Error(`${syscall} ${code}${place}`), { code, syscall, ...more });
}
