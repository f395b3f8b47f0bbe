import { expect, test } from "vitest";
import { NoteFeed } from "../../proxy/note-feed.ts";
import type { Note } from "../../proxy/core/note.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { HandClock } from "../host/hand-clock.ts";

const note: Note = { type: "quarantine", node: parseNodeId("proxy-1"), reason: null };
const MOST = 256;

test("who goes on after a restart from the number that it has heard last misses nothing", async () => {
  const clock = new HandClock();
  const before = new NoteFeed(clock);
  for (let at = 0; at < 5; at += 1) before.add(note);
  const lastNumber = before.since(0).at(-1)?.number ?? 0;
  await clock.pass(1000);
  const restarted = new NoteFeed(clock);
  for (let at = 0; at < 3; at += 1) restarted.add(note);
  expect(restarted.since(lastNumber)).toHaveLength(3);
});

test("numbers follow one another, the oldest are given up, and who listens hears each once", () => {
  const feed = new NoteFeed(new HandClock());
  const heard: number[] = [];
  const end = feed.listen(({ number }) => heard.push(number));
  for (let at = 0; at < MOST + 2; at += 1) feed.add(note);
  end();
  feed.add(note);
  const kept = feed.since(0).map(({ number }) => number);
  expect(kept).toHaveLength(MOST);
  expect(kept.at(-1)).toBe((heard.at(-1) ?? 0) + 1);
  expect(feed.since(heard.at(-1) ?? 0)).toHaveLength(1);
});
