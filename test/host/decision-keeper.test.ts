/** The writer of revisions: what a decision leaves in the vault, and what it takes away. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { DecisionKeeper } from "../../host/decision-keeper.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { silentLog } from "../../shared/log.ts";
import { systemRandom } from "../../shared/random.ts";
import type { Change, Decisions } from "../../shared/revisions/decisions.ts";
import { RevisionLog } from "../../shared/revisions/revision-log.ts";
import { hostHintName, hostsFolder, probeName } from "../../shared/vault/layout.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import { TestDirectory } from "../shared/vault/test-vaults.ts";
import { HandClock } from "./hand-clock.ts";

let directory: TestDirectory;
let vault: Vault;
let keepers: DecisionKeeper[];
beforeEach(() => {
  directory = new TestDirectory();
  vault = directory.open();
  keepers = [];
});
afterEach(() => {
  keepers.forEach((keeper) => keeper.stop());
  directory.remove();
});

function keeper(self = "host-a", told: Decisions[] = [], clock = new HandClock()): DecisionKeeper {
  const made = new DecisionKeeper({
    self: parseNodeId(self),
    revisions: new RevisionLog(vault),
    vault,
    clock,
    random: systemRandom,
    log: silentLog,
    onUndurable: () => undefined,
    onChange: (decisions) => told.push(decisions),
  });
  keepers.push(made);
  return made;
}

const asked = (base: number, change: Change) => ({ base, change, by: "anna", reason: "new disks" });
const OFFLINE: Change = { type: "offline", node: "host-b", last: false };
const REMOVE: Change = { type: "remove", node: "host-b" };

test("a decision on what holds no more is refused, and it is said who was first", async () => {
  await keeper().decide(asked(0, OFFLINE));
  const late = keeper("host-c").decide({ ...asked(0, { type: "maintenance-off" }), by: "bert" });
  expect(await late).toMatchObject({ changed: false });
  const conflict = keeper("host-c").decide(asked(0, { type: "maintenance-on", untilMs: null }));
  await expect(conflict).rejects.toMatchObject({ code: "HS_DECISION_CONFLICT", details: { by: "anna", revision: 1 } });
});

test("a host whose share is late says nothing of what holds: another one is asked", async () => {
  await keeper().decide(asked(0, OFFLINE));
  const late = asked(2, { type: "online", node: "host-c" });
  await expect(keeper("host-c").decide(late)).rejects.toMatchObject({ code: "HS_VAULT_IO", retry: true });
});

test("a text that nobody could read back is not written", async () => {
  const long = keeper().decide({ ...asked(0, OFFLINE), reason: "x".repeat(257) });
  await expect(long).rejects.toMatchObject({ code: "HS_DECISION_REFUSED" });
  expect(await new RevisionLog(vault).newest()).toBeNull();
});

test("a host that starts knows what was decided before anything else, also by a host that is gone", async () => {
  await keeper().decide(asked(0, OFFLINE));
  const told: Decisions[] = [];
  await keeper("host-b", told).start();
  expect(told).toMatchObject([{ revision: 1, offline: [{ node: "host-b" }] }]);
});

test("a host that is removed leaves nothing under hosts/, also where that failed the first time", async () => {
  const names = [hostHintName(parseNodeId("host-b")), probeName(parseNodeId("host-b"))];
  const leave = (): Promise<unknown> => Promise.all(names.map((name) => vault.hint(name, Buffer.from("{}"))));
  const other = hostHintName(parseNodeId("host-c"));
  await leave();
  await vault.hint(other, Buffer.from("{}"));
  const writer = keeper();
  await writer.decide(asked(0, OFFLINE));
  await writer.decide(asked(1, REMOVE));
  expect(await vault.list(hostsFolder)).toEqual(["host-c.json"]);
  await leave();
  expect(await writer.decide(asked(2, REMOVE))).toMatchObject({ changed: false });
  expect(await vault.list(hostsFolder)).toEqual(["host-c.json"]);
});

test("what a removed host wrote before it knew goes too, when others have heard of it, also if it was killed then", async () => {
  await keeper().decide(asked(0, OFFLINE));
  const clock = new HandClock();
  await keeper("host-c", [], clock).start();
  await keeper().decide(asked(1, REMOVE));
  await vault.hint(hostHintName(parseNodeId("host-b")), Buffer.from("{}"));
  const listed = async (): Promise<readonly string[]> => {
    await clock.pass(2000);
    return await vault.list(hostsFolder);
  };
  await expect.poll(listed).toEqual([]);
});
