/** The promise itself, for a short while: `npm run chaos:requests -- --minutes 10` goes on for longer. */
import { expect, test } from "vitest";
import { RequestsRun } from "../chaos/requests/requests-run.ts";
import { requestsText } from "../chaos/requests/requests-text.ts";

test(
  "requests of every method and size, while the primary is killed, paused and told to stop: none fails, none is lost or doubled",
  { timeout: 240_000 },
  async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const options = { seconds: 20, seed, clients: 64, keep: false };
    const report = await RequestsRun.run(options, { says: () => {}, stop: new AbortController().signal });
    process.stderr.write(`requests, seed ${seed}:\n${requestsText(report)}`);
    expect(report.violations).toEqual([]);
    expect(Math.min(...Object.values(report.methods))).toBeGreaterThan(0);
  },
);
