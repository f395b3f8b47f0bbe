/** The doctor and the forecast on a cluster of real processes: nothing wrong where nothing is, and each mischief is found. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../shared/system-clock.ts";
import { Nodes } from "../../cluster/nodes.ts";
import { until } from "../../until.ts";
import { hotspare, type Shown } from "../console.ts";

interface Found {
  readonly level: string;
  readonly subject: string;
  readonly text: string;
}

let nodes: Nodes;

const run = (config: string, ...args: string[]): Promise<Shown> =>
  hotspare([...args, "--config", config], { clock: systemClock, env: process.env });

async function doctor(config = nodes.config): Promise<{ readonly code: number; readonly errors: readonly Found[] }> {
  const { code, out } = await run(config, "doctor", "--json");
  const { findings } = JSON.parse(out) as { readonly findings: readonly Found[] };
  return { code, errors: findings.filter(({ level }) => level === "error") };
}

/** A copy of the configuration with one thing changed. */
function copyWith(name: string, pattern: RegExp, text: string): string {
  const file = join(nodes.folder, name);
  const before = readFileSync(nodes.config, "utf8");
  writeFileSync(file, before.replace(pattern, text));
  expect(readFileSync(file, "utf8")).not.toBe(before);
  return file;
}

beforeAll(async () => {
  nodes = await Nodes.make({ hosts: 2, proxies: 2 });
  nodes.startAll();
  await nodes.served();
  await until(async () => (await nodes.report("host-b"))?.role === "standby", { timeoutMs: 60_000, everyMs: 100 });
}, 120_000);

afterAll(() => nodes.end());

test("nothing is wrong with a cluster that is well", { timeout: 60_000 }, async () => {
  let last: unknown;
  // A standby that has just come may still be catching up.
  await until(async () => (last = await doctor()) && (last as { code: number }).code === 0, {
    timeoutMs: 50_000,
    everyMs: 500,
  });
  expect(last).toEqual({ code: 0, errors: [] });
});

test("the forecast names the host that then takes over, and events tell of it", { timeout: 120_000 }, async () => {
  const [before, after] = (await nodes.primary()) === "host-a" ? ["host-a", "host-b"] : ["host-b", "host-a"];
  const said = await run(nodes.config, "simulate", "--kill", before, "--json");
  expect([said.code, JSON.parse(said.out)]).toMatchObject([0, { pools: [{ primary: before, successor: after }] }]);
  expect(await run(nodes.config, "simulate", "--kill", "host-a,host-b")).toMatchObject({ code: 69 });
  for (const wrong of [["host-x"], [before, "--host", "host-x"]])
    expect(await run(nodes.config, "simulate", "--kill", ...wrong)).toMatchObject({ code: 64 });
  await nodes.signal(before, "SIGKILL");
  await until(async () => (await nodes.primary()) === after, { timeoutMs: 60_000, everyMs: 50 });
  const { out } = await run(nodes.config, "events", "--since", "5m");
  expect(out).toMatch(new RegExp(`proxies see ${before} down`));
  expect(out).toMatch(new RegExp(`${after}: takes over pool main in epoch 2; order of proxy-\\d: `));
  expect(out).not.toContain("not heard");

  const { code, errors } = await doctor();
  expect(code).toBe(69);
  expect(errors).toContainEqual(
    expect.objectContaining({ subject: "listeners", text: expect.stringContaining(`${before} does not answer`) }),
  );
  expect(errors).toContainEqual(
    expect.objectContaining({ subject: "pools", text: expect.stringContaining("nobody could take it over") }),
  );
  nodes.start(before);
  await until(async () => (await nodes.report(before))?.role === "standby", { timeoutMs: 60_000, everyMs: 100 });
});

test(
  "another copy of the file, a foreign vault and an open secret are found, with exit code 78",
  { timeout: 120_000 },
  async () => {
    const differing = await doctor(copyWith("other.yaml", /$/, "takeover: { timeout: 9s }\n"));
    expect(differing.code).toBe(78);
    expect(differing.errors.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^host-a, host-b, proxy-1, proxy-2 run with another/),
    ]);

    const foreign = await doctor(copyWith("foreign.yaml", /id: [0-9a-f]{4}/, "id: 0000"));
    expect(foreign.code).toBe(78);
    expect(foreign.errors).toContainEqual(expect.objectContaining({ subject: "vault" }));
    expect(foreign.errors).toContainEqual(
      expect.objectContaining({ text: expect.stringMatching(/^host-b is on the vault/) }),
    );

    chmodSync(join(nodes.folder, "cluster.key"), 0o644);
    const open = await doctor();
    chmodSync(join(nodes.folder, "cluster.key"), 0o600);
    expect(open.code).toBe(78);
    expect(open.errors).toContainEqual(
      expect.objectContaining({ subject: "secret", text: expect.stringContaining("0644") }),
    );
  },
);

test("a host of another node's address is told by name", { timeout: 60_000 }, async () => {
  const [a, b] = ["host-a", "host-b"].map((id) => String(nodes.hosts.get(id)?.control));
  const swapped = readFileSync(nodes.config, "utf8")
    .replace(`:${a}"`, ':x"')
    .replace(`:${b}"`, `:${a}"`)
    .replace(':x"', `:${b}"`);
  const file = join(nodes.folder, "swapped.yaml");
  writeFileSync(file, swapped);
  const { code, errors } = await doctor(file);
  expect(code).toBe(78);
  expect(errors).toContainEqual(
    expect.objectContaining({ text: expect.stringMatching(/^host-a: at its control address .* host-b answers/) }),
  );
});
