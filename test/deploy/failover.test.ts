/** `hotspare failover`: whom it orders, what it refuses, what it says before. The nodes are fakes; real ones are in test/cluster. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { hex } from "../proxy/fake-host.ts";
import { FakeNodes } from "./fake-nodes.ts";

const folder = temporaryFolder();
let nodes: FakeNodes;
beforeEach(async () => (nodes = await FakeNodes.start(folder, { unwritten: ["host-d"] })));
afterEach(() => nodes.stop());

const failover = (...args: string[]) => nodes.run(["failover", ...args]);

describe("the order", () => {
  test("a dead primary: the best of the others is ordered to depose the newest fence, and proxies are told to look", async () => {
    await nodes.kill("host-a");
    nodes.follow("host-b", { alarm: "HS_POOL_STUCK: it cannot go on" });
    const shown = await failover("--reason", "host-a burns", "--yes");
    expect(shown).toMatchObject({ code: 0, out: "host-c serves pool main in epoch 2" });
    expect(shown.err).toContain("Nobody serves pool main; host-c would take it over.");
    const cause = "failover by anna: host-a burns";
    expect(nodes.toldOf("promote")).toMatchObject([{ to: "host-c", body: { fence: hex(1), cause, planned: true } }]);
    expect(nodes.toldOf("look")).toEqual([{ to: "proxy-1", name: "look", body: { host: "host-c" } }]);
  });

  test("a primary that lives: it is said that it is deposed, and that there is a way without force", async () => {
    nodes.serve("host-a", 1);
    const shown = await failover("--to", "host-b", "--yes");
    expect(shown.err).toContain(
      "host-a serves pool main in epoch 1 and answers. It would be deposed in favour of host-b",
    );
    expect(shown.err).toContain("hotspare switchover");
    expect(nodes.toldOf("promote")).toHaveLength(1);
  });

  test("a pool that nobody has begun: no fence is named", async () => {
    for (const host of ["host-a", "host-b", "host-c"]) nodes.follow(host, { fence: null });
    expect((await failover("--to", "host-b", "--yes")).code).toBe(0);
    expect(nodes.toldOf("promote")).toMatchObject([{ to: "host-b", body: { fence: null } }]);
  });

  test("maintenance and dead proxies do not prevent it, nor that a host is far behind", async () => {
    await nodes.kill("proxy-1");
    nodes.decisions = {
      ...nodes.decisions,
      maintenance: { by: "bert", atMs: 1, reason: "new disks", untilMs: null },
    };
    nodes.follow("host-b", { lagMs: 60_000 });
    expect((await failover("--to", "host-b", "--yes")).code).toBe(0);
  });

  test("a host that this copy of the file does not have yet is one", async () => {
    nodes.add("host-d");
    expect((await failover("--to", "host-d", "--yes")).out).toBe("host-d serves pool main in epoch 2");
  });

  test("a host that takes its time is asked again until it serves", async () => {
    const answers = ["accepted", "accepted", "serving"] as const;
    const { ordered } = nodes;
    nodes.ordered = (host, order) => {
      const outcome = answers[nodes.toldOf("promote").length] ?? "refused";
      return outcome === "serving" ? ordered(host, order) : { outcome, reason: "under way", fence: null, phases: {} };
    };
    expect((await failover("--yes")).code).toBe(0);
    expect(nodes.toldOf("promote")).toHaveLength(3);
  });

  test("another host has fenced meanwhile: it is said who, and nothing else is tried", async () => {
    nodes.ordered = () => {
      nodes.serve("host-c", 2);
      const fence = nodes.reports.get("host-c")?.pools[0]?.fence ?? null;
      return { outcome: "refused", reason: "the fence to depose is not the newest", fence, phases: {} };
    };
    const shown = await failover("--to", "host-b", "--yes");
    expect(shown.code).toBe(69);
    expect(shown.err).toContain("the newest fence is that of host-c, epoch 2");
    expect(shown.err).toContain("HS_PROMOTE_REFUSED");
  });
});

describe("a refusal comes before anything is changed, with the reason", () => {
  afterEach(() => expect(nodes.toldOf("promote")).toEqual([]));

  test("the host serves already", async () => {
    nodes.serve("host-b", 1);
    expect((await failover("--to", "host-b", "--yes")).err).toContain("host-b serves pool main already");
  });

  test("the host cannot write to the vault", async () => {
    nodes.report("host-b", {}, { probe: { ok: false, ageMs: 9000, latencyMs: 0 } });
    expect((await failover("--to", "host-b", "--yes")).err).toContain("host-b: it cannot write to the vault");
  });

  test("the host was taken offline, may not take over, or does not answer", async () => {
    const offline = { node: "host-a", by: "bert", atMs: 1, reason: "new disks", last: false };
    nodes.decisions = { ...nodes.decisions, revision: 1, offline: [offline] };
    nodes.report("host-b", {}, { candidate: false });
    await nodes.kill("host-c");
    const { err } = await failover("--yes");
    expect(err).toContain("host-a: taken offline by bert: new disks");
    expect(err).toContain("host-b: it is no candidate (candidate: false)");
    expect(err).toContain("host-c: it does not answer");
  });

  test("no host answers", async () => {
    for (const host of ["host-a", "host-b", "host-c"]) await nodes.kill(host);
    expect(await failover("--yes")).toMatchObject({ code: 69, err: expect.stringContaining("HS_UNREACHABLE") });
  });

  test("nobody can be asked, and --yes is missing", async () => {
    const shown = await failover();
    expect(shown).toMatchObject({ code: 64, err: expect.stringContaining("--yes") });
  });

  test("whoever is asked says no", async () => {
    const shown = await nodes.run(["failover"], async () => "n");
    expect(shown).toMatchObject({ code: 0, err: expect.stringContaining("Nothing was changed.") });
  });

  test("there is no such host, or no such pool", async () => {
    expect(await failover("--to", "host-x", "--yes")).toMatchObject({ code: 64 });
    expect(await failover("--pool", "other", "--yes")).toMatchObject({ code: 64 });
  });

  test("--dry-run", async () => {
    expect(JSON.parse((await failover("--dry-run", "--json")).out)).toEqual({
      pool: "main",
      from: null,
      to: "host-a",
      fence: null,
    });
    expect((await failover("--dry-run")).out).toContain("Nothing was changed.");
  });
});
