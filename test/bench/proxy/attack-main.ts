/**
 * Clients that bother a server: `node attack-main.ts <flood> <host:port>`. Prints "ready" when all have connected once, and
 * goes on until SIGTERM; then it prints how many connections stood and how many there were, as one line of JSON.
 */
import { connect, type Socket } from "node:net";
import { parseAddress } from "../../../shared/config/parse-address.ts";
import { unreachable } from "../../../shared/errors.ts";
import { FLOOD_SHAPES, FLOODS, type AttackFigures, type Flood } from "./flood.ts";

const STEP_MS = 50;
/** So many connections are begun in one step at most. */
const OPENED_IN_STEP = 100;
const BYTE_MS = 100;
const AGAIN_MS = 100;
const HALF_OPEN_MS = 1000;
const IDLE_MS = 2000;
const SLOW_HEAD = "GET /1k HTTP/1.1\r\nHost: bench\r\nX-Slow: ";

const flood = FLOODS.find((each) => each === process.argv[2])!;
const address = parseAddress(process.argv[3] ?? "")!;

class Attacker {
  readonly #flood: Flood;
  readonly #number: number;
  #socket: Socket | null = null;
  #openedMs = 0;
  #lostMs = Number.NEGATIVE_INFINITY;
  #sentBytes = 0;

  constructor(flood: Flood, number: number) {
    this.#flood = flood;
    this.#number = number;
  }

  get stands(): boolean {
    return this.#socket !== null && !this.#socket.connecting;
  }

  get wantsToOpen(): boolean {
    return this.#socket === null && performance.now() - this.#lostMs >= AGAIN_MS;
  }

  open(): void {
    const socket = connect({ ...address, noDelay: true, allowHalfOpen: true });
    this.#socket = socket;
    this.#openedMs = performance.now();
    this.#sentBytes = 0;
    socket.on("error", () => undefined);
    socket.once("connect", () => {
      opened += 1;
      this.#begin(socket);
    });
    socket.once("end", () => socket.destroy());
    socket.once("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#lostMs = performance.now();
    });
  }

  step(): void {
    const socket = this.#socket;
    if (socket === null || socket.connecting) return;
    const ageMs = performance.now() - this.#openedMs;
    switch (this.#flood) {
      case "slow-heads":
        if (ageMs >= this.#sentBytes * BYTE_MS) socket.write(SLOW_HEAD[this.#sentBytes++] ?? "a");
        return;
      case "half-open":
        return this.#replaceAfter(socket, ageMs, HALF_OPEN_MS);
      case "idle":
        return this.#replaceAfter(socket, ageMs, IDLE_MS);
      default:
        return unreachable(this.#flood);
    }
  }

  #begin(socket: Socket): void {
    if (this.#flood !== "half-open") return void socket.resume();
    switch (this.#number % 4) {
      // Closes its half after a whole request, which still is to be answered.
      case 0:
        return void socket.resume().end("GET /1k HTTP/1.1\r\nHost: bench\r\n\r\n");
      // Closes its half in the middle of a head.
      case 1:
        return void socket.resume().end("GET /1k HTTP/1.1\r\nHost: be");
      // Falls silent in the middle of a body.
      case 2:
        return void socket
          .resume()
          .write(`POST /post HTTP/1.1\r\nHost: bench\r\nContent-Length: 1024\r\n\r\n${"x".repeat(100)}`);
      // Asks, and never reads.
      default:
        return void socket.pause().write("GET /64k HTTP/1.1\r\nHost: bench\r\n\r\n");
    }
  }

  /** The life of each differs a little, so that they do not all end at once. */
  #replaceAfter(socket: Socket, ageMs: number, lifeMs: number): void {
    if (ageMs < lifeMs * (0.75 + (0.5 * (this.#number % 97)) / 97)) return;
    this.#socket = null;
    socket.resetAndDestroy();
  }
}

let opened = 0;
let isReady = false;
const attackers = Array.from({ length: FLOOD_SHAPES[flood].connections }, (_, number) => new Attacker(flood, number));

setInterval(() => {
  let openings = 0;
  for (const attacker of attackers) {
    if (!attacker.wantsToOpen) attacker.step();
    else if ((openings += 1) <= OPENED_IN_STEP) attacker.open();
  }
  if (isReady || opened < attackers.length) return;
  isReady = true;
  process.stdout.write("ready\n");
}, STEP_MS);

process.on("SIGTERM", () => {
  const standing = attackers.filter((attacker) => attacker.stands).length;
  const figures: AttackFigures = { standing, opened };
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
});
