import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { silentLog } from "../../shared/log.ts";
import { ServiceManager } from "../../shared/service-manager.ts";
import { HandClock } from "../host/hand-clock.ts";
import { until } from "../until.ts";
import { temporaryFolder } from "./config/example-config.ts";

const folder = temporaryFolder();
const said = join(folder, "said");

/** A `systemd-notify` that notes what it was to say, with its pid, and then does `end`. */
function managerWith(end: string, warnings: object[], clock: HandClock): ServiceManager {
  const program = join(folder, "systemd-notify");
  writeFileSync(said, "");
  writeFileSync(program, `#!/bin/sh\necho "$$ $*" >> ${said}\n${end}\n`);
  chmodSync(program, 0o755);
  const env = { NOTIFY_SOCKET: "/nowhere", WATCHDOG_USEC: "4000000", PATH: `${folder}:${process.env["PATH"]}` };
  const log = { ...silentLog, warn: (fields: object) => void warnings.push(fields) };
  return new ServiceManager({ env, pid: process.pid, clock, log, status: () => "main: primary" });
}

const words = (): readonly string[] => readFileSync(said, "utf8").trim().split("\n").filter(Boolean);
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("a service manager that takes no word does not hold up a stop, nor silence the watchdog for ever", async () => {
  const [clock, warnings]: [HandClock, object[]] = [new HandClock(), []];
  const manager = managerWith("exec sleep 600", warnings, clock);
  manager.ready();
  await until(() => words().length === 1);
  const pid = Number.parseInt(words()[0] ?? "", 10);
  expect(isAlive(pid)).toBe(true);
  await clock.pass(5000);
  await until(() => warnings.length === 1);
  expect(warnings).toEqual([{ reason: expect.stringContaining("SIGKILL") }]);
  expect(isAlive(pid)).toBe(false);

  await clock.pass(2000);
  await until(() => words().length === 2);
  expect(words()[1]).toContain("WATCHDOG=1 STATUS=main: primary");
  let stopped = false;
  const stopping = manager.stopping().then(() => (stopped = true));
  await clock.pass(5000);
  await until(() => words().length === 3);
  expect(stopped).toBe(false);
  await clock.pass(5000);
  await stopping;
  expect(words()[2]).toContain("STOPPING=1");
  expect(warnings).toHaveLength(1);
});
