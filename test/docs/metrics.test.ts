/** docs/metrics.md against what real nodes answer: a metric that is not described, or is not there any more, fails. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scrape, type ScrapedMetric } from "../cluster/metrics.ts";
import { Nodes } from "../cluster/nodes.ts";
import { until } from "../until.ts";
import { describedMetrics, type DescribedMetric, type MetricsSection } from "./metrics-page.ts";

type Metrics = ReadonlyMap<string, ScrapedMetric>;

let nodes: Nodes;
const scraped: Partial<Record<"host" | "proxy" | "gossip", Metrics>> = {};

beforeAll(async () => {
  nodes = await Nodes.make({ hosts: 2, workers: 2 });
  nodes.startAll();
  await nodes.served();
  await nodes.command("checkpoint");
  const host = nodes.hosts.get("host-a")?.control ?? 0;
  const { control: admin, gossip } = nodes.proxies.get("proxy-1") ?? { control: 0, gossip: 0 };
  await until(async () => (await scrape(host)).get("hotspare_checkpoint_age_seconds")?.samples === 1);
  Object.assign(scraped, { host: await scrape(host), proxy: await scrape(admin), gossip: await scrape(gossip) });
}, 60_000);
afterAll(() => nodes.end());

describe.each([
  ["host", "Of a host"],
  ["proxy", "Of a proxy"],
] satisfies [keyof typeof scraped, MetricsSection][])("a %s", (node, section) => {
  const described: readonly DescribedMetric[] = [...describedMetrics(section), ...describedMetrics("Of each process")];
  const found = (): Metrics => scraped[node] ?? new Map<string, ScrapedMetric>();

  it("shows the metrics that docs/metrics.md has, of that type, and no others", () => {
    expect([...found()].map(([name, { type }]) => `${name} ${type}`).toSorted()).toEqual(
      described.map(({ name, type }) => `${name} ${type}`).toSorted(),
    );
  });

  it("labels them as it says there", () => {
    const wrong = described.filter(({ name, labels }) => {
      const metric = found().get(name);
      return metric !== undefined && metric.samples > 0 && !isSame(metric.labels, labels);
    });
    expect(wrong).toEqual([]);
  });

  it("says of each what it is, in seconds and bytes", () => {
    for (const [name, { help }] of found()) {
      expect(help.length, name).toBeGreaterThan(10);
      expect(name).not.toMatch(/_(?:ms|millis\w*|kib|mib|kb|mb)(?:_|$)/);
    }
  });
});

describe("the metrics of a host", () => {
  it("show what its main thread counted and measured, and its process", () => {
    const withSamples = [...(scraped.host ?? [])].filter(([, { samples }]) => samples > 0).map(([name]) => name);
    expect(withSamples).toEqual(
      expect.arrayContaining([
        "hotspare_journal_fsync_seconds",
        "hotspare_failover_total",
        "hotspare_checkpoint_age_seconds",
        "hotspare_vault_free_bytes",
        "hotspare_peer_last_seen_seconds",
        "nodejs_eventloop_lag_p99_seconds",
        "process_cpu_seconds_total",
      ]),
    );
  });
});

describe("the gossip address of a proxy", () => {
  it("shows the same metrics as the admin address, which is on loopback", () => {
    expect([...(scraped.gossip ?? [])].map(([name]) => name)).toEqual([...(scraped.proxy ?? [])].map(([name]) => name));
  });
});

const isSame = (found: ReadonlySet<string>, labels: readonly string[]): boolean =>
  found.size === labels.length && labels.every((label) => found.has(label));
