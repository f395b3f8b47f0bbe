/** A host that is told to stop: whether it gives its pool away rests on what is decided now, not on what it has heard. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { DecisionKeeper } from "../../host/decision-keeper.ts";
import { Operations } from "../../host/operations.ts";
import { parseNodeId, parsePoolId } from "../../shared/ids.ts";
import { silentLog } from "../../shared/log.ts";
import { systemRandom } from "../../shared/random.ts";
import { RevisionLog } from "../../shared/revisions/revision-log.ts";
import type { Vault } from "../../shared/vault/vault.ts";
import { configOf, EXAMPLE } from "../shared/config/example-config.ts";
import { TestDirectory } from "../shared/vault/test-vaults.ts";
import { HandClock } from "./hand-clock.ts";

const clock = new HandClock();
const parts = { clock, random: systemRandom, log: silentLog };
let directory: TestDirectory;
let vault: Vault;
let operations: Operations;
let retired: boolean;

beforeEach(async () => {
  directory = new TestDirectory();
  vault = directory.open();
  retired = false;
  operations = operationsOn(vault);
  await operations.start();
});
afterEach(() => {
  operations.stop();
  directory.remove();
});

/** Of a host without pools: whoever wants to hand one over is refused. */
const operationsOn = (seen: Vault): Operations =>
  new Operations({
    ...parts,
    self: parseNodeId("host-a"),
    config: () => configOf(EXAMPLE),
    pools: [],
    vault: seen,
    control: { decisions: () => undefined },
    client: { send: () => Promise.reject(new Error("nobody is asked")), close: () => undefined },
    onDecided: () => undefined,
    onRemoved: () => undefined,
  });

const leave = (of: Operations): Promise<void> =>
  of.leave({ id: parsePoolId("main"), retire: () => (retired = true) }, "the host stops");

async function beginMaintenance(): Promise<void> {
  const other = new DecisionKeeper({
    ...parts,
    self: parseNodeId("host-b"),
    revisions: new RevisionLog(vault),
    vault,
    onUndurable: () => undefined,
    onChange: () => undefined,
  });
  const change = { type: "maintenance-on", untilMs: null } as const;
  await other.decide({ base: 0, change, by: "anna", reason: "new switches" });
  other.stop();
}

test("a maintenance that another host has only just written holds its pool", async () => {
  await beginMaintenance();
  await leave(operations);
  expect(retired).toBe(true);
});

test("without one the pool is handed over", async () => {
  await expect(leave(operations)).rejects.toMatchObject({ code: "HS_MESSAGE_INVALID", details: { found: "main" } });
});

test("a vault that hangs keeps nobody from handing over", async () => {
  const hanging = operationsOn(
    Object.assign(Object.create(vault) as Vault, { list: () => new Promise(() => undefined) }),
  );
  const left = leave(hanging).catch((error: unknown) => error);
  await clock.pass(1000);
  expect(await left).toMatchObject({ code: "HS_MESSAGE_INVALID" });
});
