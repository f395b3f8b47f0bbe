/** A small valid configuration, and ways to spoil it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Config } from "../../../shared/config/config.ts";
import { toConfig } from "../../../shared/config/load-config.ts";
import { parseConfig } from "../../../shared/config/parse-config.ts";
import { isHotspareError, type HotspareError } from "../../../shared/errors.ts";

export const EXAMPLE = `cluster: demo
secret: { file: cluster.key }
vault: { directory: ./vault }
proxies:
  - { id: proxy-1, listen: "127.0.0.1:8080", admin: "127.0.0.1:8090" }
hosts:
  - { id: host-a, listen: "127.0.0.1:7100", control: "127.0.0.1:7101", data: ./data/host-a }
  - { id: host-b, listen: "127.0.0.1:7110", control: "127.0.0.1:7111", data: ./data/host-b, mode: primary }
`;

export const FILE = "/cluster/hotspare.yaml";

export function configOf(text: string, env: Readonly<Record<string, string>> = {}): Config {
  return toConfig(parseConfig(text, FILE, env));
}

/** The error that `text` is refused with; the test fails if it is accepted. */
export function refusalOf(text: string, env: Readonly<Record<string, string>> = {}): HotspareError {
  return errorOf(() => configOf(text, env));
}

export function errorOf(run: () => unknown): HotspareError {
  try {
    run();
  } catch (error) {
    if (isHotspareError(error)) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

/** A folder of its own for a test file, removed after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hotspare-config-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
