/** What a fence may say: everything that is known when it is put, and what fences of older programs said. */
import { describe, expect, test } from "vitest";
import { parseNodeId } from "../../../shared/ids.ts";
import { decodeFence, encodeJson } from "../../../shared/journal/payload.ts";
import type { FencePayload } from "../../../shared/journal/record.ts";

const old: FencePayload = {
  previous: null,
  schema: [],
  reason: "order",
  orderedBy: parseNodeId("proxy-1"),
  cause: "refused",
  votes: [{ by: parseNodeId("proxy-1"), verdict: "down" }],
  wallMs: 1,
};
const full: FencePayload = {
  ...old,
  votes: [
    { by: parseNodeId("proxy-1"), verdict: "down", seenAtMs: 1_700_000_000_000.5 },
    { by: parseNodeId("host-b"), verdict: "down", standsFor: parseNodeId("proxy-2") },
  ],
  phases: { detected: 250, agreed: 12.5 },
};

const bytesOf = (value: object): Buffer => Buffer.from(JSON.stringify(value));

describe("a fence", () => {
  test.each([
    ["as older programs wrote it", old],
    ["with everything", full],
  ])("%s comes back as it was", (_, fence) => expect(decodeFence(encodeJson(fence))).toEqual(fence));

  test("of a newer program: unknown fields are no reason to refuse it", () => {
    const votes = [{ by: "proxy-1", verdict: "down", mood: "bad" }];
    expect(decodeFence(bytesOf({ ...full, votes, weather: "fine" }))).toMatchObject({ cause: "refused" });
  });

  test.each([
    ["votes by nobody", { votes: [{ by: "", verdict: "down" }] }],
    ["in the place of nobody", { votes: [{ by: "host-b", verdict: "down", standsFor: "" }] }],
    ["seen at no time", { votes: [{ by: "host-b", verdict: "down", seenAtMs: "noon" }] }],
    ["phases that are no numbers", { phases: { detected: "soon" } }],
    ["no votes at all", { votes: undefined }],
  ])("with %s is invalid", (_, changes) => {
    expect(() => decodeFence(bytesOf({ ...full, ...changes }))).toThrow(RangeError);
  });
});
