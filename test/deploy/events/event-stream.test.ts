import { expect, test } from "vitest";
import { EventStream } from "../../../deploy/cli/events/event-stream.ts";

const event = (id: number, data: string): string => `id: ${id}\nevent: pool\ndata: ${data}\n\n`;

test("events that come in pieces are given whole, and the last number is kept", () => {
  const heard: string[] = [];
  const stream = new EventStream(3, (data) => heard.push(data));
  const text = `retry: 1000\n\n${event(4, '{"a":"b: c"}')}${event(5, "{}")}id: 6\nda`;
  for (const character of text) stream.add(character);
  expect([heard, stream.lastNumber]).toEqual([['{"a":"b: c"}', "{}"], 5]);
});

test("what a lost connection broke off is not continued by the next one", () => {
  const heard: string[] = [];
  const stream = new EventStream(0, (data) => heard.push(data));
  stream.add('id: 1\ndata: {"half":');
  stream.begin();
  stream.add(event(1, "{}"));
  expect(heard).toEqual(["{}"]);
});

test("an event without end does not fill the memory", () => {
  const heard: string[] = [];
  const stream = new EventStream(0, (data) => heard.push(data));
  stream.add(`data: ${"x".repeat(2 * 1024 * 1024)}`);
  stream.add(`\n\n${event(2, "{}")}`);
  expect(heard).toEqual(["{}"]);
});
