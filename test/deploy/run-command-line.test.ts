import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CommandEntry } from "../../deploy/cli/command.ts";
import { COMMANDS } from "../../deploy/cli/command-table.ts";
import { EXAMPLE, temporaryFolder } from "../shared/config/example-config.ts";
import { hotspare } from "./console.ts";

const folder = temporaryFolder();
const good = join(folder, "good.yaml");
const bad = join(folder, "bad.yaml");
writeFileSync(good, EXAMPLE);
writeFileSync(bad, EXAMPLE.replace("cluster: demo", "clutser: demo"));

/** A command that fails as `error`. */
const failing = (error: Error): readonly CommandEntry[] => [
  {
    name: "fail",
    summary: "fails",
    load: async () => (program) =>
      void program
        .command("fail")
        .option("--json")
        .action(() => {
          throw error;
        }),
  },
];

describe("the border of the command line", () => {
  it.each([
    [["stauts"], "unknown command 'stauts'"],
    [["confg"], "Did you mean config?"],
    [["config", "chek"], "Did you mean check?"],
    [["config", "check", "--confgi", "x"], "Did you mean --config?"],
    [["version", "extra"], "too many arguments"],
    [["config", "check", "--config"], "argument missing"],
    [[], "a command is missing"],
    [["config"], "a command is missing"],
  ])("ends %j with exit code 64 and one line", async (args, text) => {
    const { code, out, err } = await hotspare(args);
    expect(code).toBe(64);
    expect(out).toBe("");
    expect(err).toContain(text);
    expect(err).toMatch(/^hotspare: [^\n]* \(HS_USAGE\)$/);
  });

  it("shows a user's error as one line with file, line, key and code", async () => {
    const { code, err } = await hotspare(["config", "check", "--config", bad]);
    expect(code).toBe(78);
    expect(err).toBe(
      `hotspare: ${bad}:1: clutser: found an unknown key, accepted is cluster (did you mean it?) (HS_CONFIG_INVALID)`,
    );
  });

  it("shows an error as JSON where output is JSON", async () => {
    const { code, out, err } = await hotspare(["config", "check", "--json", "--config", bad]);
    expect([code, out]).toEqual([78, ""]);
    expect(JSON.parse(err)).toMatchObject({
      error: { code: "HS_CONFIG_INVALID", details: { line: 1, key: "clutser" } },
    });
  });

  it("says where to report what should not happen, and shows the stack only on demand", async () => {
    const commands = failing(new TypeError("x is not\na function"));
    const quiet = await hotspare(["fail"], { commands });
    expect(quiet.code).toBe(70);
    expect(quiet.err).toMatch(/^hotspare: x is not a function \(HS_INTERNAL\)\nhotspare: .*report.*HOTSPARE_DEBUG=1/);
    expect(quiet.err).not.toContain("    at ");
    const loud = await hotspare(["fail"], { commands, env: { HOTSPARE_DEBUG: "1" } });
    expect(loud.err).toContain("    at ");
  });

  it("loads only the command that is named, so that a host starts fast", async () => {
    const never = COMMANDS.map((entry) =>
      entry.name === "version" ? entry : { ...entry, load: () => Promise.reject(new Error("loaded")) },
    );
    expect((await hotspare(["version"], { commands: never })).code).toBe(0);
    expect((await hotspare(["--help"], { commands: never })).code).toBe(0);
  });
});

describe("help", () => {
  it("names every command", async () => {
    const { code, out } = await hotspare(["--help"]);
    expect(code).toBe(0);
    for (const { name, summary } of COMMANDS) expect(out).toMatch(new RegExp(`\\b${name}\\b.*${summary.slice(0, 20)}`));
  });

  it.each(COMMANDS.map(({ name }) => name))("of %s shows an example", async (name) => {
    const { code, out } = await hotspare([name, "--help"]);
    expect(code).toBe(0);
    expect(out).toContain(`Example:\n  hotspare ${name}`);
    expect(await hotspare(["help", name])).toEqual({ code, out, err: "" });
  });
});

describe("version", () => {
  it.each(["--version", "-V"])("is told by %s too", async (flag) => {
    const { code, out } = await hotspare([flag]);
    expect([code, out]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
  });

  it("names what a report needs, also as JSON", async () => {
    const { out } = await hotspare(["version"]);
    expect(out).toMatch(/^hotspare \d+\.\d+\.\d+ \(Node\.js 2\d\.\S+, SQLite \S+, \S+\)$/);
    const json: unknown = JSON.parse((await hotspare(["version", "--json"])).out);
    expect(json).toEqual({
      hotspare: expect.any(String),
      node: process.versions.node,
      sqlite: expect.any(String),
      platform: expect.any(String),
    });
  });
});

describe("config", () => {
  it("check says what the configuration describes", async () => {
    const { code, out } = await hotspare(["config", "check", "--config", good]);
    expect(code).toBe(0);
    expect(out).toContain("cluster demo with 2 hosts, 1 proxy, 1 pool");
    expect(JSON.parse((await hotspare(["config", "check", "--config", good, "--json"])).out)).toMatchObject({
      ok: true,
      hosts: 2,
    });
  });

  it("finds the file that HOTSPARE_CONFIG names", async () => {
    expect((await hotspare(["config", "check"], { env: { HOTSPARE_CONFIG: good } })).code).toBe(0);
  });

  it("show tells for each key what holds and why", async () => {
    const { out } = await hotspare(["config", "show", "--config", good]);
    expect(out).toMatch(/hosts\[1\]\.mode\s+│ primary\s+│ line 8/);
    expect(out).toMatch(/cleanDelay\s+│ 10m\s+│ default/);
  });

  it("show --effective prints what the nodes use", async () => {
    const { out } = await hotspare(["config", "show", "--effective", "--json", "--config", good]);
    expect(JSON.parse(out)).toMatchObject({ cleanDelayMs: 600_000, pools: [{ id: "main", park: { waitMs: 30_000 } }] });
    const text = await hotspare(["config", "show", "--effective", "--config", good]);
    expect(text.out).toContain("cleanDelayMs: 600000");
  });

  it("show --effective says that it is the file alone where no host can be asked", async () => {
    const { code, out, err } = await hotspare(["config", "show", "--effective", "--json", "--config", good]);
    expect([code, JSON.parse(out)]).toMatchObject([0, { revision: null, cluster: "demo" }]);
    expect(err).toContain("alone");
  });
});
