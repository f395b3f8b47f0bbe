/** What README.md shows is what is tested: the example, the configuration, the ports, the Node.js that is needed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_PORTS } from "../../deploy/cli/local-cluster.ts";
import { configOf } from "../shared/config/example-config.ts";
import { root } from "../source-code.ts";

const textOf = (file: string): string => readFileSync(join(root, file), "utf8");
const readme = textOf("README.md");
const { engines, scripts } = JSON.parse(textOf("package.json")) as {
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
};

describe("README.md", () => {
  it("shows the whole counter, as it is tested", () => {
    const shown = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
    expect(textOf("examples/counter/app.ts").replace(/^\/\*\*.*\*\/\n/, "")).toBe(shown);
  });

  it("shows a configuration for several machines that is accepted", () => {
    const shown = /```yaml\n(cluster:[\s\S]*?)```/.exec(readme)?.[1] ?? "";
    const { hosts, proxies } = configOf(shown);
    expect([hosts.length, proxies.length]).toEqual([2, 2]);
  });

  it("names the addresses that npm start uses", () => {
    const [first, second] = DEFAULT_PORTS.proxies;
    for (const port of [...(first ?? []), ...(second ?? [])]) expect(readme).toContain(`http://127.0.0.1:${port}`);
  });

  it("names the Node.js that is needed", () => {
    expect(engines.node).toBe(">=24.15");
    expect(readme).toContain("Node.js 24.15 or newer");
  });

  it("names no npm script that does not exist", () => {
    const named = [...readme.matchAll(/npm (?:run )?(start|test|[a-z]+:[a-z]+)\b/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
