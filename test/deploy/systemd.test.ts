/** Nodes under systemd: what they say to a real datagram socket, and what systemd thinks of the units. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { Nodes, ON_LOOPBACK } from "../cluster/nodes.ts";
import { root } from "../source-code.ts";
import { until } from "../until.ts";

const has = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

interface Ear {
  readonly socket: string;
  readonly heard: readonly string[];
}

async function listen(): Promise<Ear> {
  const folder = mkdtempSync(join(tmpdir(), "hotspare-notify-"));
  const socket = join(folder, "notify");
  const child = spawn("python3", [join(root, "test/deploy/datagrams.py"), socket], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  const heard: string[] = [];
  const lines = createInterface({ input: child.stdout });
  const listening = once(lines, "line");
  lines.on("line", (line) => void heard.push(line));
  await listening;
  return { socket, heard };
}

describe.skipIf(!has("systemd-notify") || !has("python3"))("a node under systemd (systemd-notify, python3)", () => {
  it.each(["host-a", "proxy-1"])(
    "%s says when it is ready, that its main loop runs, what it is, and that it stops",
    async (id) => {
      const { socket, heard } = await listen();
      const environment = () => ({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: "1000000" });
      const nodes = await Nodes.make({ hosts: 1, placement: { ...ON_LOOPBACK, environment } });
      onTestFinished(() => nodes.end());
      nodes.start(id);
      await until(() => heard.some((line) => line.startsWith("READY=1 | STATUS=main: ")), { timeoutMs: 20_000 });
      const lives = (): number => heard.filter((line) => line.startsWith("WATCHDOG=1 | STATUS=main: ")).length;
      await until(() => lives() > 2, { timeoutMs: 20_000 });
      await nodes.signal(id, "SIGTERM");
      await until(() => heard.includes("STOPPING=1 | STATUS=stopping"));
      expect(nodes.log(id)).not.toContain("does not hear");
    },
  );
});

const UNITS = ["hotspare-host@.service", "hotspare-proxy@.service"] as const;

describe.skipIf(!has("systemd-analyze"))("the unit (systemd-analyze)", () => {
  it.each(UNITS)("%s is right, as systemd reads it", (unit) => {
    const folder = mkdtempSync(join(tmpdir(), "hotspare-units-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const text = readFileSync(join(root, "deploy/systemd", unit), "utf8");
    const [, example = ""] = /^Documentation=file:\/\/(.*)$/m.exec(text) ?? [];
    // What is only there where the package is installed.
    const here = text
      .replace("/usr/bin/node ", `${process.execPath} `)
      .replace(`Documentation=file://${example}\n`, "");
    const path = join(folder, unit.replace("@", "@a"));
    writeFileSync(path, here);
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", path], { encoding: "utf8" });
    const own = verified.stderr.split("\n").filter((line) => line.includes("hotspare"));
    expect(own).toEqual([]);
    const judged = spawnSync("systemd-analyze", ["security", "--offline=yes", "--threshold=25", path], {
      encoding: "utf8",
    });
    const verdict = judged.stdout.split("\n").find((line) => line.includes("Overall exposure")) ?? judged.stderr;
    process.stdout.write(`${unit}: ${verdict.trim()}\n`);
    expect(judged.status, judged.stdout + judged.stderr).toBe(0);
  });
});

describe("the units", () => {
  it.each(UNITS)("%s starts a command that there is, and no more where the configuration is wrong", (unit) => {
    const text = readFileSync(join(root, "deploy/systemd", unit), "utf8");
    const kind = unit.includes("host@") ? "host" : "proxy";
    expect(text).toContain(`/deploy/cli/launcher.js ${kind} --id %i --config /etc/hotspare/hotspare.yaml`);
    expect(text).toMatch(/^RestartPreventExitStatus=64 78$/m);
    expect(text).toMatch(/^Type=notify$/m);
  });
});
