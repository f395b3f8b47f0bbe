/** What a listing and a run of records may be believed for. */
import { describe, expect, test } from "vitest";
import { slot } from "../../../shared/position.ts";
import { endOfRun, judgeRun, judgeSurvey, RUN_RECORDS, type Run, type Survey } from "../../../host/core/survey.ts";
import { headAt, history } from "./pool-script.ts";

const survey = (slots: readonly number[], checkpoints: readonly number[] = []): Survey => ({
  slots: slots.map(slot),
  checkpoints: checkpoints.map(slot),
});
const chain = history(6);
const at = (last: number): ReturnType<typeof headAt> => headAt(chain, last);

describe("a listing", () => {
  test.each<[string, number | null, Survey, string]>([
    ["of an empty pool: at the head", null, survey([]), "caught-up"],
    ["nothing beyond the own record: at the head", 3, survey([3]), "caught-up"],
    ["nothing beyond, the own record below a checkpoint: at the head", 3, survey([], [3]), "caught-up"],
    ["the next record: it is read", 3, survey([3, 4, 5]), "read"],
    ["the next record, and a checkpoint beyond: read all the same", 3, survey([3, 4, 5], [5]), "read"],
    ["a checkpoint beyond, and the next record gone: late", 3, survey([3], [4]), "late"],
    ["later records and a checkpoint, and the next record gone: late", 3, survey([6], [5]), "late"],
    ["a pool with checkpoints, for a host with nothing: late", null, survey([1, 2], [2]), "late"],
    ["later records without the next one, and no checkpoint: a record was deleted", 3, survey([3, 5]), "missing"],
    ["a first record that is gone: a record was deleted", null, survey([2]), "missing"],
    ["the own record gone, and no checkpoint covers it: rolled back", 3, survey([]), "behind"],
    ["the own record gone below an older checkpoint: rolled back", 3, survey([1, 2], [2]), "behind"],
  ])("%s", (_, own, found, expected) => {
    expect(judgeSurvey(own === null ? null : at(own), found).type).toBe(expected);
  });

  test("no more is read at once than the bound", () => {
    const many = survey(Array.from({ length: 3 * RUN_RECORDS }, (_, index) => index + 1));
    expect(endOfRun(many, slot(1))).toBe(RUN_RECORDS);
  });

  test("a run ends before a hole: nothing is read that was not listed", () => {
    expect(endOfRun(survey([1, 2, 4, 5]), slot(1))).toBe(2);
  });
});

describe("a run of records", () => {
  const run = (from: number, to: number, stop: Run["stop"] = null): Run => ({
    records: chain.records.slice(from - 1, to),
    stop,
  });

  test.each<[string, Run["stop"], string]>([
    ["all follow", null, "end"],
    ["a listed record is gone", { type: "absent" }, "gone"],
    ["one cannot be read now", { type: "unreadable", reason: "EIO" }, "unreadable"],
    ["one is damaged", { type: "invalid", reason: "checksum" }, "unpassable"],
    ["one is of a newer format", { type: "newer", version: 9 }, "unpassable"],
  ])("%s: what came before it is applied", (_, stop, expected) => {
    const verdict = judgeRun(at(2), run(3, 5, stop), survey([3, 4, 5, 6]), null);
    expect(verdict.steps.map(({ head }) => head.slot)).toEqual([3, 4, 5]);
    expect(verdict.stop.type).toBe(expected);
    if (verdict.stop.type === "unpassable") expect(verdict.stop.slot).toBe(6);
  });

  test("a record of another history: the own state is suspected, not the record", () => {
    const other = history(2);
    other.fence("host-z");
    other.batch();
    const verdict = judgeRun(at(3), { records: [other.records[3]!], stop: null }, survey([4]), null);
    expect(verdict).toMatchObject({ steps: [], stop: { type: "not-history" } });
  });

  test("a batch of a host that the newest fence has deposed cannot be passed", () => {
    const deposed = history(3);
    const late = deposed.batch();
    const taken = history(2);
    taken.fence("host-c");
    const header = { ...late.record.header, previousHash: taken.head!.hash };
    const forged = { ...late, record: { ...late.record, header } };
    const verdict = judgeRun(taken.head, { records: [forged], stop: null }, survey([4]), null);
    expect(verdict.stop).toMatchObject({ type: "unpassable", slot: 4 });
  });
});

describe("a fence", () => {
  const fenced = history(3);
  const fence = fenced.fence("host-c");
  const after = fenced.batch();
  const relic = history(5).records[4]!;

  test.each<[string, Run, Survey, number, string]>([
    ["the last one, no checkpoint beyond: applied", { records: [fence], stop: null }, survey([4]), 1, "end"],
    [
      "the record after it carries its hash: applied",
      { records: [fence, after], stop: null },
      survey([4, 5], [5]),
      2,
      "end",
    ],
    [
      "the record after it carries another hash: void",
      { records: [fence, relic], stop: null },
      survey([4, 5], [5]),
      0,
      "void-fence",
    ],
    [
      "a checkpoint beyond and nothing after it: void",
      { records: [fence], stop: null },
      survey([4], [9]),
      0,
      "void-fence",
    ],
    ["a checkpoint of its own slot: applied", { records: [fence], stop: null }, survey([4], [4]), 1, "end"],
    [
      "a checkpoint beyond, the next record not read yet: not proven, read with it",
      { records: [fence], stop: null },
      survey([4, 5], [5]),
      0,
      "unproven-fence",
    ],
    [
      "a checkpoint beyond, the next record gone meanwhile: listed again",
      { records: [fence], stop: { type: "absent" } },
      survey([4, 5], [5]),
      0,
      "gone",
    ],
  ])("%s", (_, run, found, steps, stop) => {
    const verdict = judgeRun(headAt(fenced, 3), run, found, fence.hash);
    expect([verdict.steps.length, verdict.stop.type]).toEqual([steps, stop]);
  });

  test("the last one, read only after the listing: its slot may have been cleaned in between, so it is listed again", () => {
    const verdict = judgeRun(headAt(fenced, 3), { records: [fence], stop: null }, survey([4]), null);
    expect(verdict).toEqual({ steps: [], stop: { type: "unlisted-fence", hash: fence.hash } });
  });

  test("a next record is listed but was not read: it is read, whatever checkpoints there are", () => {
    const verdict = judgeRun(headAt(fenced, 3), { records: [fence], stop: null }, survey([4, 5]), null);
    expect(verdict.stop.type).toBe("unproven-fence");
  });

  test("a taker may verify what its own confirmation proves later", () => {
    const verdict = judgeRun(headAt(fenced, 3), { records: [fence], stop: null }, survey([4]), "any");
    expect(verdict.steps).toHaveLength(1);
  });
});
