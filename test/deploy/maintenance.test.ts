/** `hotspare maintenance`: how it begins, ends and shows. The nodes are fakes; that nobody takes over is in test/cluster. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { FakeNodes } from "./fake-nodes.ts";

const folder = temporaryFolder();
let nodes: FakeNodes;
beforeEach(async () => (nodes = await FakeNodes.start(folder)));
afterEach(() => nodes.stop());

const maintenance = (...args: string[]) => nodes.run(["maintenance", ...args]);
const untilMs = (): number => nodes.decisions.maintenance?.untilMs ?? 0;

test("on: it is written who began it and why, and when it ends by itself", async () => {
  const beganMs = Date.now();
  const shown = await maintenance("on", "--reason", "new switches", "--for", "2h");
  expect(shown.code).toBe(0);
  expect(shown.out).toMatch(/^maintenance by anna since .*, until .*: new switches$/);
  expect(nodes.decisions.maintenance).toMatchObject({ by: "anna", reason: "new switches" });
  expect(untilMs() - beganMs).toBeGreaterThanOrEqual(2 * 3_600_000);
  expect((await maintenance()).out).toBe(shown.out);
});

test("on and off: it is there when the proxies know of it, and one that does not is named", async () => {
  nodes.behind.set("proxy-1", 1);
  setTimeout(() => nodes.behind.clear(), 200);
  const begun = await maintenance("on", "--reason", "new switches");
  expect(nodes.behind.size).toBe(0);
  expect(begun.err).toBe("");
  nodes.behind.set("proxy-1", 1);
  const ended = await maintenance("off");
  expect(ended).toMatchObject({ code: 0, out: "no maintenance" });
  expect(ended.err).toContain("proxy-1 does not know of it yet");
}, 20_000);

test("on: a proxy that does not answer is not waited for, and named", async () => {
  await nodes.kill("proxy-1");
  const { code, err } = await maintenance("on", "--reason", "new switches");
  expect([code, err]).toEqual([0, expect.stringContaining("proxy-1 cannot be asked whether it knows of it: ")]);
});

test("one that is forgotten ends after an hour; another one replaces it", async () => {
  const beganMs = Date.now();
  await maintenance("on", "--reason", "new switches");
  expect(untilMs() - beganMs).toBeLessThan(3_700_000);
  const { out } = await maintenance("on", "--reason", "it takes longer", "--for", "1d", "--json");
  expect(JSON.parse(out)).toMatchObject({
    revision: 2,
    maintenance: { reason: "it takes longer", untilMs: untilMs() },
  });
});

test("off: twice, and without one", async () => {
  expect((await maintenance("off")).out).toBe("no maintenance");
  await maintenance("on", "--reason", "new switches");
  expect((await maintenance("off")).out).toBe("no maintenance");
  expect(JSON.parse((await maintenance("off", "--json")).out)).toEqual({ maintenance: null, revision: 2 });
});

test("one whose end is over is none", async () => {
  nodes.decisions = { ...nodes.decisions, maintenance: { by: "anna", atMs: 1, reason: "x", untilMs: 2 } };
  expect((await maintenance()).out).toBe("no maintenance");
});

test.each([
  ["no reason", ["on"]],
  ["an empty reason", ["on", "--reason", " "]],
  ["a span without a unit", ["on", "--reason", "x", "--for", "2"]],
  ["no span", ["on", "--reason", "x", "--for", "0"]],
  ["a word that is none of its own", ["begin"]],
])("%s is misuse, and nothing is written", async (_, args) => {
  expect(await maintenance(...args)).toMatchObject({ code: 64 });
  expect(nodes.toldOf("decide")).toEqual([]);
});

test("no host answers: nobody knows", async () => {
  for (const host of ["host-a", "host-b", "host-c"]) await nodes.kill(host);
  expect(await maintenance()).toMatchObject({ code: 69, err: expect.stringContaining("HS_UNREACHABLE") });
});
