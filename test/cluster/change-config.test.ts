/** The configuration of a cluster is changed under load, as operators do it: no request fails, and every node takes it. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { until } from "../until.ts";
import { Scenario } from "./scenario.ts";
import type { Writers } from "./writers.ts";

const LONG = { timeout: 240_000 };
const PATIENCE = { timeoutMs: 60_000, everyMs: 200 };

interface Told {
  readonly nodes: readonly {
    readonly node: string;
    readonly pendingRestart: readonly string[];
    readonly problem: string | null;
    readonly differences: readonly { readonly key: string }[];
  }[];
}

class Operator {
  readonly scenario: Scenario;
  readonly writers: readonly Writers[];

  constructor(scenario: Scenario, writers: readonly Writers[]) {
    this.scenario = scenario;
    this.writers = writers;
  }

  get text(): string {
    return readFileSync(this.scenario.nodes.config, "utf8");
  }

  /** As an editor does: a new file in the place of the old one. */
  replace(text: string): void {
    const { config } = this.scenario.nodes;
    writeFileSync(`${config}.new`, text);
    renameSync(`${config}.new`, config);
  }

  /** What `config diff` says of each node; nobody must be out of reach. */
  async diff(): Promise<Told["nodes"]> {
    const shown = await this.scenario.nodes.output("config", "diff", "--json");
    return (JSON.parse(shown) as Told).nodes;
  }

  /** Until every node says of itself what `holds`, and some more was written after that. */
  async until(holds: (node: Told["nodes"][number]) => boolean): Promise<void> {
    await until(async () => (await this.diff()).every(holds), PATIENCE);
    await this.scenario.more(this.writers, 20);
    expect(this.writers.flatMap(({ failures }) => failures)).toEqual([]);
  }

  alike(): Promise<void> {
    return this.until(
      ({ differences, pendingRestart, problem }) =>
        [differences, pendingRestart].every((list) => list.length === 0) && problem === null,
    );
  }
}

const without = (text: string, host: string): string =>
  text
    .split("\n")
    .filter((line) => !line.includes(`id: ${host},`))
    .join("\n");

async function knownHosts({ nodes, proxies }: Scenario): Promise<readonly string[]> {
  const statuses = await Promise.all(proxies.map((proxy) => nodes.status(proxy)));
  return statuses.map(({ hosts }) => hosts.map(({ id }) => id).join());
}

describe.each([
  { carried: "in the proxies' own processes", shape: { hosts: 3, proxies: 2 } },
  { carried: "by workers", shape: { hosts: 3, proxies: 1, workers: 2 } },
])("a cluster whose requests are carried $carried", ({ shape }) => {
  it(
    "takes figures, hosts that go and come, and the loss of its primary by the file, and no wrong file",
    LONG,
    async () => {
      const scenario = await Scenario.start(shape);
      const { nodes } = scenario;
      const operator = new Operator(scenario, await scenario.writeEach());
      await operator.alike();
      const epoch = await scenario.epoch();

      await nodes.command("config", "set", "health.interval", "150ms");
      await operator.alike();
      writeFileSync(nodes.config, operator.text.replace("failures: 5", "failures: 8"));
      await operator.alike();

      const whole = operator.text;
      const primary = await nodes.served();
      const standby = scenario.hosts.find((host) => host !== primary) ?? "";
      operator.replace(without(whole, standby));
      const rest = scenario.hosts.filter((host) => host !== standby).join();
      await until(async () => (await knownHosts(scenario)).every((hosts) => hosts === rest), PATIENCE);
      operator.replace(whole);
      await operator.alike();
      await scenario.settled();
      expect(await scenario.epoch()).toBe(epoch);

      writeFileSync(nodes.config, whole.replace("interval: 150ms", "interval: soon"));
      const log = (): string => [...scenario.hosts, ...scenario.proxies].map((id) => nodes.log(id)).join("\n");
      const refusals = (): number => log().split("is not right: this node goes on as before").length - 1;
      await until(() => refusals() === scenario.hosts.length + scenario.proxies.length, PATIENCE);
      const problems = async (): Promise<readonly (string | null)[]> => {
        const { hosts, proxies } = await nodes.status(scenario.proxies[0]);
        return [...hosts, ...proxies].map(({ configProblem }) => configProblem);
      };
      await until(async () => (await problems()).every((problem) => problem?.includes("health.interval")), PATIENCE);
      await scenario.more(operator.writers);
      operator.replace(whole);
      await operator.alike();

      operator.replace(without(whole, primary));
      await until(async () => (await nodes.primary(scenario.proxies[0])) !== primary, PATIENCE);
      await scenario.settled({ standbys: 1, epoch: epoch + 1 });
      operator.replace(whole);
      await operator.alike();
      await scenario.settled({ epoch: epoch + 1 });
      expect(await scenario.epoch()).toBe(epoch + 1);

      expect(await scenario.nothingIsLost()).toEqual([]);
      expect(nodes.unexpectedEnds).toEqual([]);
      scenario.say("configuration changed eight times");
    },
  );
});
