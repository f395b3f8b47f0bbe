/** `hotspare switchover`: what it asks of whom, and for how long it waits. The nodes are fakes; real ones are in test/cluster. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../shared/system-clock.ts";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { FakeNodes } from "./fake-nodes.ts";

const folder = temporaryFolder();
let nodes: FakeNodes;
beforeEach(async () => {
  nodes = await FakeNodes.start(folder, { unwritten: ["host-d"], extra: "takeover: { timeout: 30m }" });
  nodes.serve("host-a", 1);
});
afterEach(() => nodes.stop());

const switchover = (...args: string[]) => nodes.run(["switchover", ...args]);

test("whoever serves is told who wants it and why; a host that this copy of the file does not have yet is one", async () => {
  nodes.add("host-d");
  expect((await switchover("--to", "host-d", "--reason", "new disks")).out).toContain(
    "host-d serves pool main in epoch 2",
  );
  const body = { pool: "main", to: "host-d", by: "anna", cause: "switchover by anna: new disks", dryRun: false };
  expect(nodes.toldOf("handover")).toMatchObject([{ to: "host-a", body }]);
});

test("--dry-run says how long writes would wait", async () => {
  expect((await switchover("--dry-run")).out).toContain("from host-a to host-b; writes would wait for about 5 ms");
  expect(nodes.toldOf("handover")).toMatchObject([{ body: { to: null, dryRun: true } }]);
});

test("it is waited for as long as a takeover may take here: who gave up before would not know what became of it", async () => {
  const waited: number[] = [];
  const after: typeof systemClock.after = (delayMs, run) => {
    waited.push(delayMs);
    return systemClock.after(delayMs, run);
  };
  await nodes.run(["switchover"], undefined, { ...systemClock, after });
  expect(Math.max(...waited)).toBeGreaterThan(30 * 60_000);
});

test("there is no such host, nobody serves: nothing is asked for", async () => {
  expect(await switchover("--to", "host-d")).toMatchObject({ code: 64 });
  nodes.follow("host-a");
  expect(await switchover()).toMatchObject({ code: 69, err: expect.stringContaining("HS_POOL_UNSERVED") });
  expect(nodes.toldOf("handover")).toEqual([]);
});
