/** What operators decided, in the eyes of the commands that only look. The nodes are fakes. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { FakeNodes } from "./fake-nodes.ts";

const folder = temporaryFolder();
const decided = { by: "ann", atMs: 1_700_000_000_000, reason: "switches" };
let nodes: FakeNodes;
beforeEach(async () => {
  nodes = await FakeNodes.start(folder, { proxies: ["proxy-1", "proxy-2"] });
  nodes.serve("host-a", 1);
});
afterEach(() => nodes.stop());

test("status knows of maintenance and of who is offline from hosts alone", async () => {
  await nodes.kill("proxy-1");
  await nodes.kill("proxy-2");
  const entry = { pool: "main", role: "primary", serving: true, epoch: 1, slot: 3, lagMs: 0, alarm: null };
  nodes.views.set("host-a", { host: "host-a", version: "0.1.0", pools: [entry] });
  expect(JSON.parse((await nodes.run(["status", "--json"])).out)).toMatchObject({ maintenance: null });
  const offline = ["host-b", "proxy-2"].map((node) => ({ node, ...decided, last: false }));
  nodes.decisions = { ...nodes.decisions, revision: 2, offline, maintenance: { ...decided, untilMs: null } };
  const { code, out } = await nodes.run(["status"]);
  expect(code).toBe(0);
  expect(out).toMatch(/as the hosts say/);
  expect(out).toMatch(/maintenance by ann since .*: switches/);
  expect(out).toMatch(/^host-b .*taken offline by ann: switches/m);
  expect(out).toMatch(/^proxy-2 .*taken offline by ann: switches/m);
});

test("the doctor does not look for who was removed, though this copy of the file still has it", async () => {
  for (const id of ["host-c", "proxy-2"]) await nodes.kill(id);
  const texts = async (): Promise<readonly string[]> => {
    const { out } = await nodes.run(["doctor", "--json"]);
    return (JSON.parse(out) as { findings: readonly { text: string }[] }).findings.map(({ text }) => text);
  };
  const about = /host-c|proxy-2/;
  expect((await texts()).filter((text) => about.test(text)).length).toBeGreaterThan(1);
  nodes.decisions = { ...nodes.decisions, revision: 4, removed: ["host-c", "proxy-2"] };
  const after = await texts();
  expect(after.filter((text) => about.test(text))).toEqual([]);
  expect(after).toContainEqual(expect.stringContaining("host-b writes to the vault"));
});
