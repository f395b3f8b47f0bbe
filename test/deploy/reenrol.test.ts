/** `hotspare reenrol` and `deploy/reenrol.sh`: what they wait for, what they refuse, and twice. The nodes are fakes. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { root } from "../source-code.ts";
import { temporaryFolder } from "../shared/config/example-config.ts";
import { until } from "../until.ts";
import { FakeNodes } from "./fake-nodes.ts";

const folder = temporaryFolder();
const SHELLCHECK = "/usr/bin/shellcheck";

describe("hotspare reenrol", () => {
  let nodes: FakeNodes;
  beforeEach(async () => {
    nodes = await FakeNodes.start(folder);
    nodes.serve("host-b", 2);
    nodes.follow("host-a", { role: "fenced", unfit: "fenced: deposed by host-b in epoch 2" });
    sees("down");
  });
  afterEach(() => nodes.stop());

  const reenrol = (...args: string[]) => nodes.run(["reenrol", ...args]);
  const sees = (health: string): void => {
    const host = { role: "standby", health, reason: null, version: "1", configHash: null, alarms: [] };
    const hosts = ["host-a", "host-b"].map((id) => ({ id, ...host }));
    nodes.views.set("proxy-1", { cluster: "demo", self: "proxy-1", pools: [], hosts });
  };

  test("tells the host to follow, waits until it is warm and the proxies see it, and says each step", async () => {
    nodes.enrolled = () => nodes.follow("host-a", { lagMs: 90_000, slot: 3 });
    const running = reenrol("host-a");
    await until(() => nodes.toldOf("enrol").length > 0);
    nodes.follow("host-a");
    await until(() => nodes.toldOf("look").length > 0);
    sees("up");
    const { code, out } = await running;
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual(
      expect.arrayContaining([
        "host-a: pool main: fenced: deposed by host-b in epoch 2",
        "host-a: it was told to follow",
        "host-a: it is warm: a standby at the head of each pool, or the primary",
        "host-a: the proxies that can be asked see it up: proxy-1",
      ]),
    );
    expect(nodes.toldOf("enrol")).toHaveLength(1);
  });

  test("twice: a host that is warm is told so, and nothing is done", async () => {
    sees("up");
    nodes.follow("host-a");
    expect(JSON.parse((await reenrol("host-a", "--json")).out)).toMatchObject({ host: "host-a", warm: true });
    expect((await reenrol("host-b")).code).toBe(0);
    expect(nodes.toldOf("enrol")).toEqual([]);
  });

  test("--dry-run changes nothing", async () => {
    const { out } = await reenrol("host-a", "--dry-run");
    expect(out).toContain("fenced: deposed by host-b");
    expect(out).toContain("Nothing was changed.");
    expect(nodes.toldOf("enrol")).toEqual([]);
  });

  test("no proxy can be asked from here: the hosts are enough", async () => {
    await nodes.kill("proxy-1");
    nodes.follow("host-a");
    expect((await reenrol("host-a")).out).toContain("see it up: none");
  });

  test("a host that was taken offline is brought back only if that is said", async () => {
    nodes.decided = () => nodes.follow("host-a", { role: "offline", unfit: "taken offline by anna" });
    await nodes.run(["node", "offline", "host-a", "--reason", "new disks"]);
    const refused = await reenrol("host-a");
    expect(refused).toMatchObject({ code: 69, err: expect.stringContaining("hotspare node online host-a") });
    sees("up");
    nodes.decided = () => nodes.follow("host-a");
    expect((await reenrol("host-a", "--online")).code).toBe(0);
    expect(nodes.decisions.offline).toEqual([]);
  });

  test("a host that is still leaving is not brought back meanwhile: it is said who takes it out", async () => {
    nodes.serve("host-a", 1);
    await nodes.run(["node", "offline", "host-a", "--no-wait", "--reason", "new disks"]);
    const shown = await reenrol("host-a", "--online");
    expect(shown).toMatchObject({ code: 69, err: expect.stringContaining("anna takes it offline since") });
    expect(nodes.decisions.offline).toHaveLength(1);
  });

  test("a host that was removed is not brought back, and it is said why", async () => {
    nodes.decided = () => nodes.follow("host-a", { role: "offline", unfit: "taken offline by anna" });
    await nodes.run(["node", "offline", "host-a"]);
    await nodes.run(["node", "remove", "host-a", "--yes"]);
    expect((await reenrol("host-a", "--online")).err).toContain("host-a was removed from the cluster");
  });

  test("a host that does not answer: it is said how it is started", async () => {
    await nodes.kill("host-a");
    const { code, err } = await reenrol("host-a");
    expect(code).toBe(69);
    expect(err).toContain("systemctl start hotspare-host@host-a");
    expect(err).toContain("(HS_UNREACHABLE)");
  });

  test("a host that there is not", async () => {
    expect(await reenrol("host-x")).toMatchObject({ code: 64 });
  });
});

describe("deploy/reenrol.sh", () => {
  const script = join(root, "deploy/reenrol.sh");
  const calls = join(folder, "calls");
  const started = join(folder, "started");
  const fake = join(folder, "hotspare");
  const run = (env: Record<string, string>, ...args: string[]) =>
    spawnSync("sh", [script, ...args], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOTSPARE: fake, ...env },
    });

  /** A command that reaches the host once it was started; `refusal` is what it says otherwise. */
  function command(refusal: string): void {
    for (const file of [calls, started]) writeFileSync(file, "");
    const answer = `[ -s "${started}" ] && exit 0\necho "hotspare: ${refusal}" >&2; exit 69`;
    writeFileSync(fake, `#!/bin/sh\necho "$*" >> "${calls}"\n${answer}\n`);
    chmodSync(fake, 0o755);
  }
  const lines = (): string[] => readFileSync(calls, "utf8").trim().split("\n");
  const HOTSPARE_START = `echo yes >> "${started}"`;

  test("starts a host that does not answer, waits for it, and re-enrols it; the second time it starts nothing", () => {
    command("Cannot reach host-a (HS_UNREACHABLE)");
    for (let round = 0; round < 2; round += 1) {
      const { status } = run({ HOTSPARE_START }, "host-a", "--config", "a b.yaml");
      expect(status).toBe(0);
      expect(lines().at(-1)).toBe("reenrol host-a --config a b.yaml");
    }
    expect(readFileSync(started, "utf8")).toBe("yes\n");
  });

  test("--dry-run starts nothing, and says what would be started", () => {
    command("Cannot reach host-a (HS_UNREACHABLE)");
    const { status, stdout } = run({ HOTSPARE_START }, "host-a", "--dry-run");
    expect([status, stdout]).toEqual([0, `host-a does not answer; it would be started: ${HOTSPARE_START}\n`]);
    expect(readFileSync(started, "utf8")).toBe("");
  });

  test("a host that answers and is refused is not started; nor is one that nobody has said how to start", () => {
    command("The operation was refused (HS_DECISION_REFUSED)");
    expect(run({ HOTSPARE_START }, "host-a").status).toBe(69);
    command("Cannot reach host-a (HS_UNREACHABLE)");
    expect(run({}, "host-a")).toMatchObject({ status: 69, stderr: expect.stringContaining("HS_UNREACHABLE") });
    expect(readFileSync(started, "utf8")).toBe("");
  });

  test.each([
    ["is enabled here is started", "exit 0", "yes\n"],
    [
      "is another machine's is not started here, though the template has a unit for any name",
      "echo disabled; exit 1",
      "",
    ],
  ])("a host whose unit %s", (_, isEnabled, expected) => {
    command("Cannot reach host-a (HS_UNREACHABLE)");
    const bin = mkdtempSync(join(folder, "bin-"));
    const answers = `case $1 in cat) exit 0 ;; is-enabled) ${isEnabled} ;; start) ${HOTSPARE_START} ;; esac`;
    writeFileSync(join(bin, "systemctl"), `#!/bin/sh\n${answers}\n`, { mode: 0o755 });
    run({ PATH: `${bin}:${process.env["PATH"]}` }, "host-a");
    expect(readFileSync(started, "utf8")).toBe(expected);
  });

  test("a start that does not help is waited for only so long", () => {
    command("Cannot reach host-a (HS_UNREACHABLE)");
    expect(run({ HOTSPARE_START: "true", HOTSPARE_WAIT: "1" }, "host-a").status).toBe(69);
  });

  test.each([[[]], [["--dry-run"]], [[""]]])("%j is misuse", (args) => {
    expect(run({}, ...args).status).toBe(64);
  });

  test.runIf(existsSync(SHELLCHECK))("has nothing that shellcheck knows to be wrong", () => {
    const { status, stdout } = spawnSync(SHELLCHECK, [script], { encoding: "utf8" });
    expect([status, stdout]).toEqual([0, ""]);
  });
});
