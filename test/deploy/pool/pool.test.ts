/** `hotspare pool`: what it shows and asks for. The nodes are fakes; real pools move in test/cluster. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { parsePoolId } from "../../../shared/ids.ts";
import type { PoolReport } from "../../../shared/wire/reports.ts";
import { fenceOf, hex, poolReport } from "../../proxy/fake-host.ts";
import { temporaryFolder } from "../../shared/config/example-config.ts";
import { FakeNodes } from "../fake-nodes.ts";

const POOLS = ["orders", "search", "users"];
const folder = temporaryFolder();
let nodes: FakeNodes;
beforeEach(async () => {
  const lines = POOLS.map((id) => `  - { id: ${id}, routes: [{ path: /${id} }] }`);
  nodes = await FakeNodes.start(folder, { extra: ["pools:", ...lines].join("\n") });
  serve({ orders: "host-a", search: "host-a", users: "host-a" });
});
afterEach(() => nodes.stop());

const pool = (...args: string[]) => nodes.run(["pool", ...args]);

/** Who serves which pool; all others follow closely. */
function serve(owners: Readonly<Record<string, string>>, more: Partial<PoolReport> = {}): void {
  for (const host of ["host-a", "host-b", "host-c"]) {
    const pools = POOLS.map((id) => {
      const owner = owners[id] ?? "host-a";
      const fence = fenceOf(owner, 1, hex(1));
      const serving = owners[id] === host;
      return poolReport({
        pool: parsePoolId(id),
        fence,
        serving,
        role: serving ? "primary" : "standby",
        ...(serving ? {} : more),
      });
    });
    nodes.report(host, {}, { pools });
  }
}

test("list: who serves each, by which routes, and who could follow", async () => {
  const { code, out } = await pool("list");
  expect(code).toBe(0);
  expect(out.split("\n")[1]).toMatch(/^orders +\/orders +spaces +serving +host-a +1 +\d+ +host-b host-c$/);
  const { pools } = JSON.parse((await pool("list", "--json")).out) as { pools: object[] };
  expect(pools[2]).toMatchObject({
    pool: "users",
    state: "serving",
    primary: "host-a",
    fit: ["host-c", "host-b"],
    reason: null,
  });
});

test("list: a pool that nobody serves is inactive, with what each host says", async () => {
  serve({ orders: "host-a", search: "host-a" }, { unfit: "no disk" });
  const { pools } = JSON.parse((await pool("list", "--json")).out) as { pools: { state: string; reason: string }[] };
  expect(pools[2]).toMatchObject({ state: "inactive", primary: null, fit: [] });
  expect(pools[2]?.reason).toContain("host-b: no disk");
});

test("move: the primary of that pool is asked to hand it over", async () => {
  expect((await pool("move", "search", "--to", "host-c", "--reason", "full")).out).toContain(
    "host-c serves pool search",
  );
  const body = { pool: "search", to: "host-c", cause: "switchover by anna: full", dryRun: false };
  expect(nodes.toldOf("handover")).toMatchObject([{ to: "host-a", body }]);
});

test("rebalance: dry, then for real, one after the other; and again, with nothing to do", async () => {
  expect((await pool("rebalance", "--dry-run")).out).toMatch(/host-b[^]*host-c[^]*Nothing was changed/);
  expect(nodes.toldOf("handover")).toEqual([]);
  const { moves, changed } = JSON.parse((await pool("rebalance", "--json")).out) as {
    moves: { to: string }[];
    changed: boolean;
  };
  expect([moves.map(({ to }) => to).toSorted(), changed]).toEqual([["host-b", "host-c"], true]);
  expect(nodes.toldOf("handover").map(({ body }) => body.cause)).toEqual(["rebalance by anna", "rebalance by anna"]);
  serve({ orders: "host-a", search: "host-b", users: "host-c" });
  expect((await pool("rebalance")).out).toContain("do already");
});

test("rebalance: nothing goes to a host that an operator took out", async () => {
  await nodes.run(["node", "offline", "host-c", "--no-wait"]);
  const { moves } = JSON.parse((await pool("rebalance", "--dry-run", "--json")).out) as { moves: { to: string }[] };
  expect(moves.map(({ to }) => to)).toEqual(["host-b"]);
});

test("rebalance: what has moved is told when a later move is refused, and the error too", async () => {
  nodes.refuses = ({ to }) => to === "host-c";
  const { code, out, err } = await pool("rebalance", "--json");
  expect(code).not.toBe(0);
  expect(JSON.parse(out)).toMatchObject({ moves: [{ to: "host-b" }], changed: true });
  expect(JSON.parse(err)).toMatchObject({ error: { code: "HS_HANDOVER_REFUSED" } });
});

test.each([["list"], ["rebalance"], ["rebalance", "--dry-run"]])("%s: nobody answers", async (...args) => {
  for (const host of ["host-a", "host-b", "host-c"]) await nodes.kill(host);
  expect(await pool(...args)).toMatchObject({ code: 69, out: "", err: expect.stringContaining("HS_UNREACHABLE") });
});

test.each([
  ["there is no such pool", ["move", "nothing"]],
  ["there is no such host", ["move", "orders", "--to", "host-x"]],
  ["a word that is none of its own", ["shuffle"]],
])("%s: misuse, and nothing is asked for", async (_, args) => {
  expect(await pool(...args)).toMatchObject({ code: 64 });
  expect(nodes.toldOf("handover")).toEqual([]);
});
