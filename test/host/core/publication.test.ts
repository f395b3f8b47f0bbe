/** Getting one record into one slot: every outcome of a put, and what may be concluded from it. */
import { describe, expect, test } from "vitest";
import type { PutResult } from "../../../shared/vault/vault.ts";
import {
  beginPublication,
  INVALID_READS,
  stepPublication,
  type Found,
  type Publication,
  type PublicationEvent,
  type PublicationStep,
} from "../../../host/core/publication.ts";
import { Chain } from "../../shared/journal/records.ts";
import { ERROR, history } from "./pool-script.ts";

const own = history(3).records[2]!;
const foreign = new Chain().fence("host-z");
const put = (type: PutResult["type"]): PublicationEvent => ({
  type: "put",
  result: type === "created" || type === "exists" ? { type } : { type, error: ERROR },
});
const find = (found: Found): PublicationEvent => ({ type: "found", found });
const finds = { own: find({ type: "record", sealed: own }), foreign: find({ type: "record", sealed: foreign }) };
const absent = find({ type: "absent" });
const unreadable = find({ type: "unreadable", reason: "EIO" });
const invalid = find({ type: "invalid", reason: "checksum" });
const newer = find({ type: "newer", version: 9 });
const synced: PublicationEvent = { type: "synced", error: null };
const unsynced: PublicationEvent = { type: "synced", error: ERROR };
/** Long after any wait. */
const tick: PublicationEvent = { type: "tick" };

/** What is asked for after each event, and the outcome at the end. */
function play(events: readonly PublicationEvent[]): string[] {
  let step: PublicationStep = beginPublication(own);
  const asked: string[] = [step.type];
  events.forEach((event, index) => {
    if (step.type === "done") throw new Error("it was done before");
    step = stepPublication(step.publication, event, (index + 1) * 10_000);
    asked.push(step.type === "done" ? step.outcome.type : step.type);
  });
  return asked.slice(1);
}

describe("what a put's result proves", () => {
  test.each<[string, readonly PublicationEvent[], readonly string[]]>([
    ["created: it is published", [put("created")], ["published"]],
    ["refused at first: it is certainly not created", [put("refused")], ["refused"]],
    ["undurable: it may be there, and is never acknowledged", [put("undurable")], ["undurable"]],
    ["exists: the name is read back", [put("exists")], ["read"]],
    ["unknown: the same name is read back", [put("unknown")], ["read"]],
  ])("%s", (_, events, expected) => expect(play(events)).toEqual(expected));
});

describe("reading back", () => {
  test.each<[string, readonly PublicationEvent[], readonly string[]]>([
    [
      "own after exists: synced, found again, published",
      [put("exists"), finds.own, synced, finds.own],
      ["read", "sync", "read", "published"],
    ],
    [
      "own after a lost reply: synced, found again, published",
      [put("unknown"), finds.own, synced, finds.own],
      ["read", "sync", "read", "published"],
    ],
    [
      "another's, synced and found again: taken",
      [put("exists"), finds.foreign, synced, finds.foreign],
      ["read", "sync", "read", "taken"],
    ],
    ["the folder cannot be synced: undurable", [put("unknown"), finds.own, unsynced], ["read", "sync", "undurable"]],
    ["absent: the same name with the same bytes again", [put("unknown"), absent, tick], ["read", "wait", "put"]],
    [
      "exists, but cannot be read: keeps reading, concludes nothing",
      [put("exists"), unreadable, tick, unreadable, tick],
      ["read", "wait", "read", "wait", "read"],
    ],
    ["a newer format: nobody can pass", [put("exists"), newer], ["read", "unpassable"]],
  ])("%s", (_, events, expected) => expect(play(events)).toEqual(expected));

  test("a power cut between finding the own record and syncing takes it away: it is put again, not acknowledged", () => {
    const events = [put("unknown"), finds.own, synced, absent, tick, put("created")];
    expect(play(events)).toEqual(["read", "sync", "read", "wait", "put", "published"]);
  });

  test("a power cut takes another's record away before its sync: the slot is not taken", () => {
    const events = [put("exists"), finds.foreign, synced, absent, tick, put("created")];
    expect(play(events)).toEqual(["read", "sync", "read", "wait", "put", "published"]);
  });

  test("another record than the one that was synced proves nothing either: it is synced first", () => {
    const events = [put("exists"), finds.foreign, synced, finds.own, synced, finds.own];
    expect(play(events)).toEqual(["read", "sync", "read", "sync", "read", "published"]);
  });

  test("one invalid read is not corruption; several fresh ones are", () => {
    const again = Array.from({ length: INVALID_READS - 2 }, () => [tick, invalid]).flat();
    expect(play([put("exists"), invalid, ...again]).at(-1)).toBe("wait");
    expect(play([put("exists"), invalid, ...again, tick, invalid]).at(-1)).toBe("unpassable");
  });
});

describe("a refusal after a doubt is not definite", () => {
  test.each<[string, PublicationEvent]>([
    ["after a lost reply, which may be performed later", put("unknown")],
    ["after a name that exists and is not seen: it may be the own", put("exists")],
  ])("%s", (_, doubt) => {
    const events = [doubt, absent, tick, put("refused"), tick];
    expect(play(events)).toEqual(["read", "wait", "put", "wait", "put"]);
  });
});

describe("waiting", () => {
  test("gets longer from try to try, and never longer than a second", () => {
    let publication: Publication = started(beginPublication(own));
    const waits: number[] = [];
    for (let tries = 0; tries < 12; tries += 1) {
      publication = started(stepPublication(publication, put("unknown"), 0));
      publication = started(stepPublication(publication, absent, 0));
      if (publication.stage.type === "waiting") waits.push(publication.stage.untilMs);
      publication = started(stepPublication(publication, tick, 10_000));
    }
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBe(1000);
  });

  test("a tick before its end changes nothing", () => {
    const waiting = started(
      stepPublication(started(stepPublication(started(beginPublication(own)), put("unknown"), 0)), absent, 0),
    );
    expect(stepPublication(waiting, tick, 1)).toEqual({ type: "wait", publication: waiting });
  });
});

function started(step: PublicationStep): Publication {
  if (step.type === "done") throw new Error("it is done");
  return step.publication;
}
