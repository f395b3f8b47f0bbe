/**
 * Single faults in a cluster that is well otherwise, of which it is known what must come of them: no takeover while the
 * primary lives, writes and is reached by enough; exactly one, in time, where it is gone.
 */
import { NEEDED } from "./needed-plots.ts";
import { NEEDLESS } from "./needless-plots.ts";
import type { Plot } from "./plot.ts";
import { QUIET, type Swarm } from "./swarm.ts";

const MOST_STALE_MS = 800;

export const PLOTS: readonly Plot[] = [
  ...NEEDLESS.map((plot): Plot => ({ ...plot, takeovers: 0, withinMs: 0 })),
  ...NEEDED.map((plot): Plot => ({ ...plot, takeovers: 1 })),
];

/** Another one for each seed. */
export const plotOf = (seed: number): Plot => PLOTS[seed % PLOTS.length]!;

export function plotNamed(name: string): Plot {
  const found = PLOTS.find((plot) => plot.name === name);
  if (!found) throw new Error(`there is no plot "${name}"`);
  return found;
}

/** A cluster without any other fault. */
export const calm = (swarm: Swarm, { hosts, proxies, isIdle = false }: Plot): Swarm => ({
  ...swarm,
  hosts,
  proxies,
  clients: 1,
  thinkMs: isIdle ? 3_600_000 : 150,
  runMs: 120_000,
  // A share that is late for longer than a primary looks for its own record makes it step down: that is no single fault.
  staleMs: Math.min(swarm.staleMs, MOST_STALE_MS),
  rejoin: "auto",
  clockDrift: 0,
  faults: QUIET,
});
