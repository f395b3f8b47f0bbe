import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { EXAMPLE, temporaryFolder } from "../shared/config/example-config.ts";
import { hotspare } from "./console.ts";

const file = join(temporaryFolder(), "hotspare.yaml");
const TEXT = `# Ours.\n${EXAMPLE}health: { interval: 250ms } # often enough\n`;
beforeEach(() => writeFileSync(file, TEXT));
const set = (key: string, value: string) => hotspare(["config", "set", key, value, "--config", file]);
const now = (): string => readFileSync(file, "utf8");

it.each([
  ["health.interval", "500ms", "interval: 250ms", "interval: 500ms", "live"],
  ["hosts[host-b].candidate", "false", "mode: primary }", "mode: primary, candidate: false }", "live"],
  ["proxies[proxy-1].trust", "[10.0.0.0/8]", '"127.0.0.1:8090" }', '"127.0.0.1:8090", trust: [ 10.0.0.0/8 ] }', "live"],
  ["hosts[host-a].control", "127.0.0.1:7109", '"127.0.0.1:7101"', '"127.0.0.1:7109"', "restart of that node"],
])("sets %s and leaves all else as it was written", async (key, value, from, to, reach) => {
  const { code, out } = await set(key, value);
  expect([code, out]).toEqual([0, expect.stringContaining(reach)]);
  expect(now().replaceAll(/\s+/g, " ")).toBe(TEXT.replace(from, to).replaceAll(/\s+/g, " "));
});

it.each([
  ["health.interval", "soon", 78, "health.interval"],
  ["hosts[host-b].control", "127.0.0.1:7101", 78, "an address that no other listener has"],
  ["health.intervall", "1s", 64, "health.interval"],
  ["hosts[host-z].candidate", "false", 64, "hosts[host-z]"],
  ["health.interval", "{", 64, "no value"],
])("refuses %s %s, and the file stays as it is", async (key, value, exit, reason) => {
  const { code, err } = await set(key, value);
  expect([code, err]).toEqual([exit, expect.stringContaining(reason)]);
  expect(now()).toBe(TEXT);
});
