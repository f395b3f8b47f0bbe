/**
 * Bad messages to the control listener of a host, as it runs in production in a thread of its own: each
 * is refused with its code and counted, nodes are answered all the while, and nothing of it stays behind.
 *
 * HOTSPARE_FUZZ_SEED plays the messages of a run again, HOTSPARE_FUZZ_MESSAGES says how many there are: ten thousand in
 * `npm test`, a hundred thousand in `npm run test:cluster`.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { startControl, type Control } from "../../../host/control.ts";
import { sleep } from "../../../shared/clock.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import type { MessageClient } from "../../../shared/wire/message-client.ts";
import { Dice } from "../../simulation/dice.ts";
import { controlOptions } from "../../host/control-options.ts";
import { until } from "../../until.ts";
import { BadMessages, isNoRequest, type BadMessage } from "./bad-messages.ts";
import { HOST, HOST_BOOT, startClient } from "./nodes.ts";
import { RawConnection, type PlainAnswer } from "./raw-connection.ts";

const SEED = Number(process.env["HOTSPARE_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const MESSAGES = Number(process.env["HOTSPARE_FUZZ_MESSAGES"] ?? 10_000);
/** A new connection costs more than a message, and strangers need one each. */
const STRANGERS_SHARE = 0.25;
const LANES = 8;
const BATCH = 25;
/** What a run may leave allocated; the listener's thread has a limit of its own, beyond which it would die. */
const MOST_GROWTH_BYTES = 256 * 1024 * 1024;

/** What was refused, by code: what the metrics must say in the end. */
class Tally {
  readonly byCode = new Map<string, number>();
  readonly byKind = new Map<string, number>();
  readonly faults: string[] = [];
  good = 0;

  judge(message: BadMessage, answer: PlainAnswer | null | undefined, closes: boolean): void {
    const { kind, status, code } = message;
    this.byCode.set(code, (this.byCode.get(code) ?? 0) + 1);
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1);
    const found = answer ? `${answer.status} ${isNoRequest(message) ? code : codeIn(answer)}` : "no answer";
    if (found !== `${status} ${code}`) this.faults.push(`${kind}: ${found}, not ${status} ${code}`);
    else if (!isNoRequest(message) && answer?.last !== closes)
      this.faults.push(`${kind}: the connection ${closes ? "stays" : "ends"}`);
  }

  judgeGood(id: string, answer: PlainAnswer | null | undefined): void {
    this.good += 1;
    if (answer?.status !== 200 || !answer.body.includes(id)) this.faults.push(`a good one: ${answer?.status}`);
  }
}

const codeIn = ({ body }: PlainAnswer): string => /"code":"(\w+)"/.exec(body.toString("latin1"))?.[1] ?? "none";

/** Signed messages on one connection, many in one write, a good one among them. */
async function sendSigned(from: BadMessages, control: Control, { count, tally }: { count: number; tally: Tally }) {
  const connection = new RawConnection(control.address);
  // Alone: what comes behind the first message of a connection before that is answered is not looked at.
  const first = from.good();
  tally.judgeGood(first.id, (await connection.send(first.bytes, 1))[0]);
  for (let sent = 0; sent < count; sent += BATCH) {
    const good = from.good();
    const bad = Array.from({ length: Math.min(BATCH, count - sent) }, () => from.signed());
    const bytes = Buffer.concat([good.bytes, ...bad.map((message) => message.bytes)]);
    const [answer, ...answers] = await connection.send(bytes, bad.length + 1);
    tally.judgeGood(good.id, answer);
    bad.forEach((message, at) => tally.judge(message, answers[at], false));
    from.accepted(good.bytes);
  }
  if (connection.unasked.length > 0) tally.faults.push("an answer that nobody asked for");
  connection.drop();
}

/** Each on a connection of its own, which must end; on some more comes behind it, which must not be looked at. */
async function sendStrangers(from: BadMessages, control: Control, { count, tally, dice }: Strangers) {
  for (let sent = 0; sent < count; sent++) {
    const connection = new RawConnection(control.address);
    const message = from.stranger();
    const behind = !isNoRequest(message) && message.kind !== "too large" && dice.chance(0.2);
    const more = behind ? Array.from({ length: dice.whole(1, 20) }, () => from.unsigned()) : [];
    const answers = connection.send(Buffer.concat([message.bytes, ...more]), 1);
    if (message.kind === "truncated") connection.endWriting();
    const [answer] = await answers;
    tally.judge(message, answer, true);
    await connection.closed();
    if (connection.unasked.length > 0) tally.faults.push(`${message.kind}: what came behind it was answered`);
    connection.drop();
  }
}

interface Strangers {
  readonly count: number;
  readonly tally: Tally;
  readonly dice: Dice;
}

/** As a proxy does, until the others are done. */
async function keepAsking(client: MessageClient, control: Control, state: { done: boolean; tally: Tally }) {
  while (!state.done) {
    const body = { bootId: HOST_BOOT, originMs: 1 };
    const result = await client.send("heartbeat", { to: HOST, address: control.address, body, timeoutMs: 60_000 });
    state.tally.good += 1;
    if (result.type !== "answer") state.tally.faults.push(`a heartbeat: ${result.kind} ${result.reason}`);
    await sleep(systemClock, 10);
  }
}

async function refusedByCode(control: Control): Promise<ReadonlyMap<string, number>> {
  const { host, port } = control.address;
  const text = await (await fetch(`http://${host}:${port}/metrics`, { headers: { connection: "close" } })).text();
  const lines = text.matchAll(/^hotspare_messages_refused_total\{code="(\w+)"\} (\d+)$/gm);
  return new Map([...lines].map(([, code = "", count]) => [code, Number(count)]));
}

/** Of this whole process, threads included; only where the system tells. */
function openSockets(): number {
  if (process.platform !== "linux") return 0;
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}

const plain = (counts: ReadonlyMap<string, number>) => Object.fromEntries(counts);

test(`${MESSAGES} bad messages, seed ${SEED}`, { timeout: 900_000 }, async () => {
  const never = (): Promise<never> => Promise.reject(new Error("a bad message came through"));
  const handlers = { promote: never, appended: never, vote: never, checkpoint: never, "finish-upgrade": never };
  const control = await startControl(controlOptions(handlers, { stalledMs: 600_000 }), null);
  const client = startClient();
  try {
    await refusedByCode(control);
    const before = { sockets: openSockets(), bytes: process.memoryUsage.rss() };
    const tally = new Tally();
    const state = { done: false, tally };
    const asking = keepAsking(client, control, state);
    const strangers = Math.floor((MESSAGES * STRANGERS_SHARE) / LANES);
    const signed = Math.floor(MESSAGES / LANES) - strangers;
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const dice = new Dice(SEED + lane);
      const from = new BadMessages(dice, control.address);
      await Promise.all([
        sendSigned(from, control, { count: signed, tally }),
        sendStrangers(new BadMessages(new Dice(SEED - 1 - lane), control.address), control, {
          count: strangers,
          tally,
          dice,
        }),
      ]);
    });
    await Promise.all(lanes);
    state.done = true;
    await asking;
    client.close();
    expect([...new Set(tally.faults)].slice(0, 20), `HOTSPARE_FUZZ_SEED=${SEED}`).toEqual([]);
    expect(plain(await refusedByCode(control))).toEqual(plain(tally.byCode));
    expect(tally.good).toBeGreaterThan(MESSAGES / BATCH / 2);
    expect(tally.byKind.size).toBeGreaterThanOrEqual(20);
    await until(() => openSockets() <= before.sockets, { timeoutMs: 30_000 });
    expect(process.memoryUsage.rss() - before.bytes).toBeLessThan(MOST_GROWTH_BYTES);
  } finally {
    client.close();
    await control.stop();
  }
});
