/**
 * One link of a network that a test can cut: it listens on loopback and passes every byte on to one address, both ways.
 *
 * While it is cut nothing passes and nobody is told, as behind a firewall that drops packets: what is sent stays where it
 * is, ends of connections included, and arrives late when the link is healed, as TCP would send it again. A connection that
 * is made meanwhile is taken, which a real firewall would not do, and gets no answer: whoever probes an address by connecting
 * alone does not notice the cut. Where nobody listens at the far end the near one is reset, not refused.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export interface Target {
  readonly host: string;
  readonly port: number;
}

export class Forwarder {
  readonly #server: Server;
  readonly #target: Target;
  readonly #passages = new Set<Passage>();
  #isCut = false;

  private constructor(target: Target) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (near) =>
      this.#accept(near),
    );
  }

  static async open(target: Target): Promise<Forwarder> {
    const forwarder = new Forwarder(target);
    const server = forwarder.#server.listen(0, "127.0.0.1");
    await new Promise<void>((resolve, reject) => server.once("listening", resolve).once("error", reject));
    return forwarder;
  }

  /** Where to connect to, as in a configuration. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#isCut = true;
    for (const passage of this.#passages) passage.hold();
  }

  heal(): void {
    this.#isCut = false;
    for (const passage of this.#passages) passage.pass();
  }

  /** Breaks every connection that there is, for both ends to see. */
  reset(): void {
    for (const passage of this.#passages) passage.break();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.reset();
    await closed;
  }

  #accept(near: Socket): void {
    const passage = new Passage(near, this.#target, () => this.#passages.delete(passage));
    this.#passages.add(passage);
    if (!this.#isCut) passage.pass();
  }
}

/** One connection through a link: two sockets, of which each gets what the other one sent. */
class Passage {
  readonly #near: Socket;
  readonly #target: Target;
  readonly #onEnd: () => void;
  #far: Socket | null = null;
  #passes = false;
  /** One end broke while nobody was to learn of it. */
  #broken = false;

  constructor(near: Socket, target: Target, onEnd: () => void) {
    this.#near = near;
    this.#target = target;
    this.#onEnd = onEnd;
    this.#watch(near);
  }

  pass(): void {
    // Joined twice, it would give every byte twice.
    if (this.#passes) return;
    this.#passes = true;
    if (this.#broken) return this.break();
    if (this.#far === null) {
      this.#far = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
      this.#watch(this.#far);
    }
    this.#near.pipe(this.#far);
    this.#far.pipe(this.#near);
  }

  hold(): void {
    this.#passes = false;
    for (const socket of [this.#near, this.#far]) socket?.unpipe().pause();
  }

  break(): void {
    this.#near.resetAndDestroy();
    this.#far?.resetAndDestroy();
    this.#onEnd();
  }

  #watch(socket: Socket): void {
    // The end by an error is told by `close`.
    socket.on("error", () => undefined);
    socket.once("close", (hadError) => this.#onClose(hadError));
  }

  #onClose(hadError: boolean): void {
    if (!this.#passes) this.#broken = true;
    else if (hadError) this.break();
    else if (this.#near.destroyed && this.#far?.destroyed !== false) this.#onEnd();
  }
}
