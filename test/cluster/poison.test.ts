/** A request that kills every host that handles it, among requests of others, which must not suffer for it. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import { Scenario } from "./scenario.ts";

const APP = join(import.meta.dirname, "poisonous-app.ts");
const CLIENTS = 16;

it.each(["handler", "write"])(
  "a request that kills its host in its %s takes two down, and the third serves all others",
  { timeout: 120_000 },
  async (where) => {
    const scenario = await Scenario.start({ proxies: 1, app: APP });
    const { nodes, proxies, hosts } = scenario;
    const writers = await scenario.write(proxies, { clients: CLIENTS, restMs: 0 });
    const answer = await fetch(`${nodes.url()}/poison/${where}`, { method: "POST" });
    expect(await answer.json()).toMatchObject({ status: 502, code: "HS_REQUEST_POISON" });
    // That it ended is known to the proxy first.
    await until(() => nodes.unexpectedEnds.length === 2);
    expect(hosts).toContain(await scenario.settled({ standbys: 0 }));
    await scenario.more([writers], 5 * CLIENTS);
    expect(nodes.unexpectedEnds).toMatchObject([{ signal: "SIGKILL" }, { signal: "SIGKILL" }]);
    const failures = await scenario.nothingIsLost();
    expect(failures.map(({ id, status, reason }) => `${id}: ${status} ${reason}`)).toEqual([]);
    scenario.say(`a request that kills its host in its ${where}: two of three hosts died, no other request failed`);
  },
);
