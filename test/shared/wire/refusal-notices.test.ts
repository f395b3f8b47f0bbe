import { describe, expect, it } from "vitest";
import { RefusalNotices } from "../../../shared/wire/refusal-notices.ts";

describe("a flood of refused messages", () => {
  it("is one notice per code and sender, then one a minute with their number", () => {
    let nowMs = 0;
    const told: string[] = [];
    const clock = { monotonicMs: () => nowMs, wallMs: () => 0, after: () => () => {} };
    const notices = new RefusalNotices(clock, ({ from }, count) => told.push(`${from} ${count}`));
    const add = (from: string | null) => notices.add({ code: "HS_SIGNATURE_INVALID", reason: "", from });
    for (let at = 0; at < 100; at++) add(null);
    add("proxy-1");
    nowMs = 60_000;
    add(null);
    expect(told).toEqual(["null 1", "proxy-1 1", "null 100"]);
  });

  it("remembers a bounded number of names that strangers invent", () => {
    const told: unknown[] = [];
    const clock = { monotonicMs: () => 0, wallMs: () => 0, after: () => () => {} };
    const notices = new RefusalNotices(clock, (refusal) => told.push(refusal));
    for (let at = 0; at < 1000; at++) notices.add({ code: "HS_MESSAGE_INVALID", reason: "", from: `x${at}` });
    expect(told).toHaveLength(256);
  });
});
