/**
 * One end of one connection, as a kernel keeps it: what has arrived and was not read, and what the process may still send.
 * It outlives its process's attention: it takes bytes for a process that is paused, and answers for one that is gone.
 * A reset is a packet like any other: it can overtake bytes, and get lost; then the other end is half-open.
 */
import { SimLane, type Segment } from "./sim-lane.ts";
import type { SimLife } from "./sim-life.ts";
import type { SimWire } from "./sim-wire.ts";

export type ResetCode = "ECONNRESET" | "ETIMEDOUT" | "ECONNREFUSED";

export type Incoming =
  | { readonly type: "bytes"; readonly bytes: Buffer }
  | { readonly type: "end" }
  | { readonly type: "reset"; readonly code: ResetCode };

/** Bytes on their way or unread, beyond which a write waits. */
const WINDOW_BYTES = 256 * 1024;
const LARGEST_SEGMENT_BYTES = 64 * 1024;
/** So often a write arrives in two parts. */
const SPLIT_CHANCE = 0.1;

export class SimEnd {
  readonly life: SimLife;
  readonly #wire: SimWire;
  readonly #inbox: Incoming[] = [];
  #peer: SimEnd | null = null;
  #lane: SimLane | null = null;
  /** `left`: closed in order; `gone`: without. */
  #state: "open" | "left" | "gone" = "open";
  #isReset = false;
  #hasEnded = false;
  #outstanding = 0;
  #uncredited = 0;
  #room: (() => void) | null = null;
  #readable: (() => void) | null = null;
  #isWaking = false;
  #orphaned: (() => void) | null = null;

  constructor(wire: SimWire, life: SimLife) {
    this.#wire = wire;
    this.life = life;
    life.ends.add(this);
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isReset(): boolean {
    return this.#isReset;
  }

  join(peer: SimEnd): void {
    this.#peer = peer;
    this.#lane = new SimLane(this.#wire, {
      from: this.life.machine,
      to: peer.life.machine,
      arrived: (segment) => peer.#arrived(segment),
      failed: (code) => this.reset(code),
    });
  }

  /** `orphaned` runs when the process has ended with the connection open; nothing of the process is to run then. */
  own(orphaned: () => void): void {
    this.#orphaned = orphaned;
  }

  /** `readable` runs in the process, whenever there may be something to take. */
  attach(readable: () => void): void {
    this.#readable = readable;
    if (this.#inbox.length > 0) this.#wake();
  }

  take(): Incoming | null {
    const incoming = this.#inbox.shift() ?? null;
    if (incoming?.type === "bytes") this.#credit(incoming.bytes.length);
    return incoming;
  }

  /** `sent` is called when there is room for more; never, if the connection ends first. */
  send(bytes: Buffer, sent: () => void): void {
    for (const part of this.#parts(bytes)) this.#lane?.send({ type: "bytes", bytes: part });
    this.#outstanding += bytes.length;
    if (this.#outstanding < WINDOW_BYTES) sent();
    else this.#room = sent;
  }

  finish(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#lane?.send({ type: "end" });
  }

  /** The process is through with it. Whoever leaves bytes unread resets, as TCP does. */
  close(): void {
    if (!this.isOpen) return;
    if (this.#isReset) return this.vanish();
    if (this.#inbox.some(({ type }) => type === "bytes")) return this.abort();
    this.finish();
    this.#leave("left");
  }

  /** Ends it at once; the other end hears of it if the packet arrives. */
  abort(): void {
    if (!this.isOpen) return;
    this.vanish();
    this.sendReset();
  }

  /** Its process has ended. */
  orphan(): void {
    this.#orphaned?.();
  }

  /** Ends it without a word: the other end is half-open. */
  vanish(): void {
    this.#lane?.abandon();
    this.#leave("gone");
  }

  /** What had arrived before can still be read. */
  reset(code: ResetCode): void {
    if (!this.isOpen || this.#isReset) return;
    this.#isReset = true;
    this.#lane?.abandon();
    this.#inbox.push({ type: "reset", code });
    this.#wake();
  }

  /** To whoever believes that this end is there. */
  sendReset(): void {
    const peer = this.#peer;
    if (!peer) return;
    this.#wire.packet(this.life.machine, peer.life.machine, (state) => state === "open" && peer.reset("ECONNRESET"));
  }

  /** Something between forgets the connection, if it is one to that machine: both ends are told. */
  cutFrom(machine: string): void {
    const peer = this.#peer;
    if (peer?.life.machine !== machine) return;
    for (const end of [this, peer]) this.#wire.after(0, () => end.reset("ECONNRESET"));
  }

  #leave(state: "left" | "gone"): void {
    this.#state = state;
    this.#readable = null;
    this.#room = null;
    this.#inbox.length = 0;
    this.life.ends.delete(this);
  }

  #arrived(segment: Segment): void {
    if (!this.isOpen) return this.#refuse(segment);
    if (this.#isReset) return;
    if (segment.type === "credit") return this.#credited(segment.count);
    this.#inbox.push(segment);
    this.#wake();
  }

  #refuse({ type }: Segment): void {
    if (this.#state === "gone" || type === "bytes") this.sendReset();
  }

  #credit(count: number): void {
    this.#uncredited += count;
    if (this.#uncredited < WINDOW_BYTES / 2) return;
    this.#lane?.send({ type: "credit", count: this.#uncredited });
    this.#uncredited = 0;
  }

  #credited(count: number): void {
    this.#outstanding -= count;
    const room = this.#room;
    if (room === null || this.#outstanding >= WINDOW_BYTES) return;
    this.#room = null;
    this.life.deliver(() => this.isOpen && room());
  }

  #wake(): void {
    if (this.#isWaking || this.#readable === null) return;
    this.#isWaking = true;
    this.life.deliver(() => {
      this.#isWaking = false;
      this.#readable?.();
    });
  }

  #parts(bytes: Buffer): readonly Buffer[] {
    const parts: Buffer[] = [];
    const { random } = this.#wire;
    let start = 0;
    while (bytes.length - start > LARGEST_SEGMENT_BYTES || (bytes.length - start > 1 && random() < SPLIT_CHANCE)) {
      const most = Math.min(LARGEST_SEGMENT_BYTES, bytes.length - start - 1);
      const count = bytes.length - start > LARGEST_SEGMENT_BYTES ? most : 1 + Math.floor(random() * most);
      parts.push(bytes.subarray(start, start + count));
      start += count;
    }
    return [...parts, bytes.subarray(start)];
  }
}
