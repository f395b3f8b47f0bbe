/** Revisions in a vault: one line, whoever writes, and whatever answer gets lost. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HotspareError } from "../../../shared/errors.ts";
import { decide, NO_DECISIONS, type Decisions } from "../../../shared/revisions/decisions.ts";
import { encodeRevision, type Revision } from "../../../shared/revisions/revision.ts";
import { RevisionLog } from "../../../shared/revisions/revision-log.ts";
import { revisionName } from "../../../shared/vault/layout.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import { TestDirectory } from "../vault/test-vaults.ts";

let directory: TestDirectory;
let vault: Vault;
beforeEach(() => {
  directory = new TestDirectory();
  vault = directory.open();
});
afterEach(() => directory.remove());

const BY = { by: "anna", atMs: 1, reason: "" };

function revision(before: Decisions, node: string, id = "1"): Revision {
  const change = { type: "offline", node, last: false } as const;
  const decisions = decide(before, change, BY);
  return { id: id.padStart(32, "0"), writtenBy: "host-a", ...BY, change, decisions: decisions! };
}

/** The vault, but for its put. */
const withPut = (put: Vault["put"]): ConstructorParameters<typeof RevisionLog>[0] => ({
  put,
  get: (...args) => vault.get(...args),
  list: (folder) => vault.list(folder),
  sync: (folder) => vault.sync(folder),
});

describe("revisions", () => {
  it("are read back, the newest and all, oldest first", async () => {
    const log = new RevisionLog(vault);
    expect(await log.newest()).toBeNull();
    const first = revision(NO_DECISIONS, "host-a");
    const second = revision(first.decisions, "host-b", "2");
    await log.publish(first);
    await log.publish(second);
    expect(await log.newest()).toEqual(second);
    expect(await log.some({ from: null, limit: 1 })).toEqual([second]);
    expect(await log.some({ from: 1, limit: 9 })).toEqual([first, second]);
  });

  it("one that is listed and not found is not nothing: a share says so of new files for a while", async () => {
    await new RevisionLog(vault).publish(revision(NO_DECISIONS, "host-a"));
    const late = new RevisionLog({ ...withPut((...args) => vault.put(...args)), get: async () => null });
    await expect(late.newest()).rejects.toMatchObject({ code: "HS_VAULT_IO" });
    await expect(late.some({ from: null, limit: 9 })).rejects.toMatchObject({ code: "HS_VAULT_IO" });
  });

  it("one that its reader cannot make durable is not gone by, also if its writer died before it could", async () => {
    const error = new HotspareError("HS_VAULT_IO", { action: "sync", name: "revisions", reason: "EIO" });
    const parts = withPut((...args) => vault.put(...args));
    let [fails, syncs] = [true, 0];
    const sync: Vault["sync"] = async (folder) => {
      if (fails) throw error;
      syncs += 1;
      await vault.sync(folder);
    };
    const reader = new RevisionLog({ ...parts, sync });
    expect(await reader.newest()).toBeNull();
    const first = revision(NO_DECISIONS, "host-a");
    await vault.put(revisionName(1), encodeRevision(first));
    await expect(reader.newest()).rejects.toBe(error);
    fails = false;
    expect([await reader.newest(), await reader.newest(), syncs]).toEqual([first, first, 1]);
  });

  it("two writers of one number: one has it, the other is told whose it is", async () => {
    const logs = [new RevisionLog(directory.open()), new RevisionLog(directory.open())];
    const both = [revision(NO_DECISIONS, "host-a", "a"), revision(NO_DECISIONS, "host-b", "b")];
    const outcomes = await Promise.all(logs.map((log, index) => log.publish(both[index]!)));
    expect(outcomes.map(({ type }) => type).toSorted()).toEqual(["published", "taken"]);
    const taken = outcomes.find((outcome) => outcome.type === "taken");
    expect(taken?.by).toEqual(await logs[0]!.newest());
  });

  it("a lost answer to an own success is a success: the id tells", async () => {
    const error = new HotspareError("HS_VAULT_IO", { action: "put", name: "it", reason: "lost" });
    const losing = withPut(async (...args) => {
      await vault.put(...args);
      return { type: "unknown", error };
    });
    expect(await new RevisionLog(losing).publish(revision(NO_DECISIONS, "host-a"))).toEqual({ type: "published" });
  });

  it("an answer that is lost before the effect is an error: nothing was decided", async () => {
    const error = new HotspareError("HS_VAULT_IO", { action: "put", name: "it", reason: "lost" });
    const failing = withPut(async () => ({ type: "unknown", error }));
    await expect(new RevisionLog(failing).publish(revision(NO_DECISIONS, "host-a"))).rejects.toMatchObject({
      code: "HS_VAULT_IO",
    });
    expect(await new RevisionLog(vault).newest()).toBeNull();
  });

  it.each([
    ["damaged", "{"],
    ["of a newer format", JSON.stringify({ format: 9 })],
    ["under a number that is not its own", null],
  ])("one that is %s is an error that names it, never skipped", async (_, text) => {
    const name = revisionName(7);
    const { id, ...rest } = revision(NO_DECISIONS, "host-a");
    await vault.put(name, Buffer.from(text ?? JSON.stringify({ format: 1, id, ...rest })));
    await expect(new RevisionLog(vault).newest()).rejects.toMatchObject({
      code: "HS_VAULT_FORMAT",
      details: expect.objectContaining({ name }),
    });
  });
});
