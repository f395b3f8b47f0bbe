/** Prometheus' text as a scraper reads it: each metric with its type, its help, and the labels that its samples have. */

export interface ScrapedMetric {
  readonly type: string;
  readonly help: string;
  /** Without those that a histogram adds. */
  readonly labels: ReadonlySet<string>;
  readonly samples: number;
}

export async function scrape(port: number): Promise<ReadonlyMap<string, ScrapedMetric>> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
  return readMetrics(await answer.text());
}

export function readMetrics(text: string): ReadonlyMap<string, ScrapedMetric> {
  const blocks = text.split(/^# HELP /m).slice(1);
  return new Map(blocks.map(readBlock));
}

function readBlock(block: string): [string, ScrapedMetric] {
  const [head = "", kind = "", ...lines] = block.split("\n");
  const [name = "", ...help] = head.split(" ");
  const samples = lines.filter((line) => line !== "");
  if (kind !== `# TYPE ${name} ${kind.split(" ").at(-1)}`) throw new Error(`${name} has no type: ${kind}`);
  const stray = samples.find((line) => !line.startsWith(name));
  if (stray !== undefined) throw new Error(`${name} is followed by a sample of something else: ${stray}`);
  const labels = samples.flatMap((line) => [...line.matchAll(/[{,](\w+)="/g)].map(([, label = ""]) => label));
  return [
    name,
    {
      type: kind.split(" ").at(-1) ?? "",
      help: help.join(" "),
      labels: new Set(labels.filter((label) => label !== "le")),
      samples: samples.length,
    },
  ];
}
