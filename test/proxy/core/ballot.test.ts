import { describe, expect, it } from "vitest";
import { Check } from "typebox/value";
import { PromoteRequest } from "../../../shared/wire/messages.ts";
import { parseNodeId } from "../../../shared/ids.ts";
import { countVotes, type Seat } from "../../../proxy/core/ballot.ts";
import type { Opinion, StandbyVote } from "../../../proxy/core/pool-view.ts";
import { A, B, C, fence } from "./world.ts";

const FENCE = fence(A, 1);

/** `lost`, `sick`, `well`, `waiting`, `silent`, `mute` (nothing said), `other` (lost, of another fence). */
type Said = Opinion | "silent" | "mute" | "other";

function seat(said: Said, index: number): Seat {
  const proxy = parseNodeId(`proxy-${index + 1}`);
  const opinion = said === "silent" || said === "mute" || said === "other" ? "lost" : said;
  const sighting = { fence: said === "other" ? fence(A, 2) : FENCE, opinion, cause: "refused", seenAtMs: 5 };
  return { proxy, isSilent: said === "silent", isQuarantined: false, sighting: said === "mute" ? null : sighting };
}

const standby = (verdict: StandbyVote["verdict"], host = B): StandbyVote => ({
  host,
  fence: FENCE.id,
  verdict,
  reason: verdict,
  heardMs: 0,
  seenAtMs: 7,
});

/** The first is this proxy itself. */
const count = (said: readonly Said[], standbyVotes: readonly StandbyVote[] = []) =>
  countVotes({ self: parseNodeId("proxy-1"), seats: said.map(seat), standbyVotes, fence: FENCE.id });

describe("proxies agree to depose", () => {
  it.each<[string, readonly Said[], readonly StandbyVote[], boolean]>([
    ["the only proxy alone", ["lost"], [], true],
    ["one of two", ["lost", "well"], [], false],
    ["both of two", ["lost", "lost"], [], true],
    ["two of three", ["lost", "sick", "well"], [], true],
    ["one of three: it alone is cut off from the primary", ["lost", "well", "well"], [], false],
    ["two others, when this one sees the primary well", ["well", "lost", "lost"], [], false],
    ["one of three with one silent, which is no vote", ["lost", "silent", "well"], [], false],
    ["one of three, both others silent: it alone is cut off from all", ["lost", "silent", "silent"], [], false],
    ["the same, and a standby that saw the vault stand still", ["lost", "silent", "silent"], [standby("down")], true],
    ["the same, and a standby that saw it move", ["lost", "silent", "silent"], [standby("alive")], false],
    [
      "the same, of two standbys one saw it move",
      ["lost", "silent", "silent"],
      [standby("down"), standby("alive", C)],
      false,
    ],
    ["the same, and a standby that cannot say", ["lost", "silent", "silent"], [standby("unsure")], false],
    ["one of three, the others well: a standby has no seat there", ["lost", "well", "well"], [standby("down")], false],
    [
      "one of five, one silent: a standby fills one seat",
      ["lost", "silent", "well", "well", "well"],
      [standby("down")],
      false,
    ],
    [
      "one of five, four silent, one standby",
      ["lost", "silent", "silent", "silent", "silent"],
      [standby("down")],
      true,
    ],
    ["nobody who is for it: a standby alone", ["well", "silent", "silent"], [standby("down")], false],
    ["one of three, another has only just started", ["lost", "mute", "silent"], [standby("down")], true],
    ["one of three, another means another fence", ["lost", "other", "well"], [], false],
    ["two of four", ["lost", "lost", "well", "well"], [], false],
    ["three of four", ["lost", "lost", "lost", "well"], [], true],
  ])("%s: %j %j %s", (_, said, votes, agreed) => expect(count(said, votes).agreed).toBe(agreed));

  it("and the kept votes say who stood in for whom", () => {
    expect(count(["lost", "silent", "silent"], [standby("down")]).votes).toEqual([
      { by: "proxy-1", verdict: "lost: refused", seenAtMs: 5 },
      { by: "host-b", verdict: "down: down", standsFor: "proxy-2", seenAtMs: 7 },
    ]);
  });

  it("and so is what was said against it", () => {
    expect(count(["lost", "lost", "well", "mute"]).votes.slice(2)).toEqual([
      { by: "proxy-3", verdict: "against: well" },
      { by: "proxy-4", verdict: "against: not heard" },
    ]);
  });

  it("and of very many, or very long ones, so much is kept as an order can carry, this proxy's own first", () => {
    const many = Array.from({ length: 1000 }, (_, index) => seat("lost", index));
    const long = many.map((one) => ({ ...one, sighting: { ...one.sighting!, cause: "x".repeat(1024) } }));
    const { votes } = countVotes({ self: many[777]!.proxy, seats: long, standbyVotes: [], fence: FENCE.id });
    expect(votes[0]?.by).toBe("proxy-778");
    expect(Buffer.byteLength(JSON.stringify(votes))).toBeLessThan(32 * 1024);
    expect(Check(PromoteRequest.properties.votes, votes)).toBe(true);
  });

  it("and standbys are asked only where they could make up what is missing", () => {
    expect(count(["lost", "silent", "silent"]).needsStandbys).toBe(true);
    expect(count(["lost", "silent", "well", "well", "well"]).needsStandbys).toBe(false);
    expect(count(["lost", "lost", "silent"]).needsStandbys).toBe(false);
    expect(count(["well", "silent", "silent"]).needsStandbys).toBe(false);
  });

  it("and those before this one in the order of ids go first, one that distrusts its clock last", () => {
    const seats = (["lost", "lost", "lost"] as const).map(seat);
    const rank = (self: string, given: readonly Seat[]): number =>
      countVotes({ self: parseNodeId(self), seats: given, standbyVotes: [], fence: FENCE.id }).rank;
    expect(["proxy-1", "proxy-2", "proxy-3"].map((id) => rank(id, seats))).toEqual([0, 1, 2]);
    const [first, ...rest] = seats;
    const distrusting = [{ ...(first as Seat), isQuarantined: true }, ...rest];
    expect(["proxy-1", "proxy-2", "proxy-3"].map((id) => rank(id, distrusting))).toEqual([2, 0, 1]);
  });
});
