/** `hotspare node`: what is refused before anything is decided, what is waited for, and twice. The nodes are fakes. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { until } from "../until.ts";
import { FakeNodes } from "./fake-nodes.ts";

const folder = temporaryFolder();
let nodes: FakeNodes;
beforeEach(async () => {
  nodes = await FakeNodes.start(folder, { proxies: ["proxy-1", "proxy-2"], unwritten: ["host-d"] });
  nodes.serve("host-a", 1);
});
afterEach(() => nodes.stop());

const node = (...args: string[]) => nodes.run(["node", ...args]);
const leaves = (host: string): void => nodes.follow(host, { role: "offline", unfit: "taken offline by anna" });

describe("node offline", () => {
  test("a host that serves: it is written why, and waited for until it has left every pool", async () => {
    const running = node("offline", "host-a", "--reason", "new disks");
    await until(() => nodes.decisions.revision === 1);
    const looks = nodes.toldOf("look").length;
    await until(() => nodes.toldOf("look").length > looks + 2);
    nodes.serve("host-b", 2);
    leaves("host-a");
    expect(await running).toMatchObject({ code: 0, out: "host-a is offline" });
    const change = { type: "offline", node: "host-a", last: false };
    expect(nodes.toldOf("decide")).toMatchObject([{ body: { base: 0, change, by: "anna", reason: "new disks" } }]);
  });

  test("twice: the second one writes nothing, and waits for the same", async () => {
    nodes.decided = () => leaves("host-b");
    await node("offline", "host-b");
    const shown = await node("offline", "host-b", "--json");
    expect(JSON.parse(shown.out)).toEqual({ node: "host-b", changed: false, revision: 1, state: "offline" });
  });

  test("a host that is dead is out at once", async () => {
    await nodes.kill("host-c");
    expect((await node("offline", "host-c")).out).toContain("host-c is offline; it does not answer");
  });

  test("--no-wait", async () => {
    expect((await node("offline", "host-a", "--no-wait")).out).toBe("host-a goes offline");
  });

  test("nobody could follow: refused with the reason of each, unless it may be the last", async () => {
    await nodes.kill("host-b");
    nodes.follow("host-c", { lagMs: 60_000 });
    const shown = await node("offline", "host-a");
    expect(shown.code).toBe(69);
    expect(shown.err).toContain("host-a serves pool main, and nobody could take pool main over (");
    expect(shown.err).toContain("host-b: it does not answer");
    expect(shown.err).toContain("host-c: it is catching up");
    expect(nodes.toldOf("decide")).toEqual([]);
    nodes.decided = () => leaves("host-a");
    expect((await node("offline", "host-a", "--last")).code).toBe(0);
    expect(nodes.decisions.offline).toMatchObject([{ node: "host-a", last: true }]);
  });

  test("a standby while somebody serves needs no other one", async () => {
    await nodes.kill("host-c");
    nodes.decided = () => leaves("host-b");
    expect((await node("offline", "host-b")).code).toBe(0);
  });

  test("the last proxy that is not offline is refused", async () => {
    expect((await node("offline", "proxy-1")).out).toBe("proxy-1 is offline");
    const shown = await node("offline", "proxy-2");
    expect(shown.err).toContain("proxy-2 is the last proxy that is not offline");
    expect(nodes.decisions.revision).toBe(1);
  });

  test("something else was decided meanwhile: it is said what, and nothing is written", async () => {
    nodes.conflict = true;
    expect((await node("offline", "host-b")).err).toContain("revision 7 by bert (he was first)");
    expect(nodes.decisions.offline).toEqual([]);
  });

  test("a node that there is not, a text that is too long", async () => {
    expect(await node("offline", "host-x")).toMatchObject({ code: 64 });
    expect(await node("offline", "host-b", "--reason", "x".repeat(257))).toMatchObject({ code: 64 });
    expect(nodes.toldOf("decide")).toEqual([]);
  });

  test("no host is there to write it", async () => {
    for (const host of ["host-a", "host-b", "host-c"]) await nodes.kill(host);
    expect(await node("offline", "proxy-1")).toMatchObject({ code: 69, err: expect.stringContaining("UNREACHABLE") });
  });
});

describe("node online", () => {
  beforeEach(async () => {
    nodes.decided = () => leaves("host-b");
    await node("offline", "host-b", "--reason", "new disks");
    nodes.decided = () => undefined;
  });

  test("is waited for until the host is a standby at the head", async () => {
    const running = node("online", "host-b");
    await until(() => nodes.decisions.offline.length === 0);
    nodes.follow("host-b", { lagMs: 60_000 });
    const looks = nodes.toldOf("look").length;
    await until(() => nodes.toldOf("look").length > looks + 2);
    nodes.follow("host-b");
    expect(await running).toMatchObject({ code: 0, out: "host-b is back, as standby, and warm" });
  });

  test("twice: the second one changes nothing", async () => {
    nodes.decided = () => nodes.follow("host-b");
    await node("online", "host-b");
    const shown = await node("online", "host-b", "--json");
    expect(JSON.parse(shown.out)).toMatchObject({ changed: false, revision: 2, state: "up" });
  });

  test("a host that has not left yet: refused, and it is said who takes it out since when", async () => {
    nodes.follow("host-b");
    const shown = await node("online", "host-b");
    expect(shown.code).toBe(69);
    expect(shown.err).toMatch(/host-b is in transition: anna takes it offline since 2023-11-1\d .*\(new disks\)/);
    expect(nodes.decisions.offline).toHaveLength(1);
  });

  test("a host that comes back already: taking it offline is refused, and it is said who brings it back", async () => {
    await node("online", "host-b", "--no-wait", "--reason", "the disks are in");
    const shown = await node("offline", "host-b");
    expect(shown.err).toMatch(/anna brings it online since .*\(the disks are in\)/);
  });

  test("a host that is dead may come back", async () => {
    await nodes.kill("host-b");
    expect((await node("online", "host-b")).out).toBe("host-b may come back; it does not answer: start it");
  });
});

describe("node remove", () => {
  test("is refused for who is part of the cluster, and for who is still leaving", async () => {
    expect((await node("remove", "host-b", "--yes")).err).toContain("take it offline first");
    await node("offline", "host-b", "--no-wait");
    expect((await node("remove", "host-b", "--yes")).err).toContain("anna takes it offline");
    expect(nodes.decisions.removed).toEqual([]);
  });

  test("asks, removes for good, and may be repeated; the node can be neither taken out nor brought back then", async () => {
    nodes.decided = () => leaves("host-b");
    await node("offline", "host-b");
    expect(await node("remove", "host-b")).toMatchObject({ code: 64 });
    expect((await nodes.run(["node", "remove", "host-b"], async () => "no")).err).toContain("Nothing was changed.");
    expect((await nodes.run(["node", "remove", "host-b"], async () => "yes")).out).toContain("host-b is removed");
    expect((await node("remove", "host-b")).code).toBe(0);
    expect(nodes.decisions.removed).toEqual(["host-b"]);
    expect((await node("online", "host-b")).err).toContain("host-b was removed from the cluster");
    expect((await node("offline", "host-b")).err).toContain("host-b was removed from the cluster");
  });
});

test("node list: each node, who took it out and why, and why one does not answer", async () => {
  nodes.decided = () => leaves("host-b");
  await node("offline", "host-b", "--reason", "new disks");
  await nodes.kill("host-c");
  await nodes.kill("proxy-2");
  const { out } = await node("list");
  expect(out).toMatch(/^host-a +host +up +primary$/m);
  expect(out).toMatch(/^host-b +host +offline +offline +2023-11-1\d \S+ +anna +new disks$/m);
  expect(out).toMatch(/^host-c +host +down .*ECONNREFUSED/m);
  expect(out).toMatch(/^proxy-1 +proxy +up$/m);
  expect(out).toMatch(/^proxy-2 +proxy +down/m);
  expect(JSON.parse((await node("list", "--json")).out)).toMatchObject({
    revision: 1,
    nodes: [{ state: "up" }, { state: "offline", by: "anna" }, { state: "down" }, { state: "up" }, { state: "down" }],
  });
});

describe("a copy of the file that is behind what was decided", () => {
  test("a host that it does not have yet is listed, taken out and brought back as any other", async () => {
    expect((await node("offline", "host-d")).err).toContain(
      "has no node host-d; it has host-a, host-b, host-c, proxy-1",
    );
    nodes.add("host-d");
    expect((await node("list")).out).toMatch(/^host-d +host +up +standby$/m);
    nodes.decided = () => leaves("host-d");
    expect((await node("offline", "host-d")).out).toBe("host-d is offline");
    nodes.decided = () => nodes.follow("host-d");
    expect((await node("online", "host-d")).out).toBe("host-d is back, as standby, and warm");
  });

  test("such a host is enough to follow one that is taken out", async () => {
    nodes.add("host-d");
    for (const host of ["host-b", "host-c"]) await nodes.kill(host);
    expect((await node("offline", "host-a", "--no-wait")).out).toBe("host-a goes offline");
  });

  test("a host that it still has, and that was removed, is no part of the list", async () => {
    nodes.decided = () => leaves("host-b");
    await node("offline", "host-b");
    await node("remove", "host-b", "--yes");
    expect((await node("list")).out).not.toContain("host-b");
    expect((await node("remove", "host-b", "--json")).out).toContain('"changed":false');
  });
});
