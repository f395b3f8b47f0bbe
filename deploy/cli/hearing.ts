/** Waiting until the proxies know what was decided, so that what an operator does next is done under it. */
import { sleep } from "../../shared/clock.ts";
import type { ProxyConfig } from "../../shared/config/config.ts";
import type { ClusterLink } from "./cluster-link.ts";
import type { CommandContext } from "./command.ts";
import { Spinner } from "./spinner.ts";

/** They hear it by the next heartbeat of any host that has read it. */
const WAIT_MS = 5000;
const LOOK_MS = 100;

/** Those that answer, and do not know that revision or a later one even after a while. Who does not answer orders nobody now. */
export async function unheard(
  link: ClusterLink,
  revision: number,
  context: CommandContext,
): Promise<readonly string[]> {
  const { clock } = context;
  const spinner = new Spinner(context, "the proxies hear of it");
  const untilMs = clock.monotonicMs() + WAIT_MS;
  try {
    let waiting = link.config.proxies;
    for (;;) {
      waiting = await stillUnheard(link, revision, waiting);
      if (waiting.length === 0 || clock.monotonicMs() >= untilMs) return waiting.map(({ id }) => id);
      await sleep(clock, LOOK_MS);
    }
  } finally {
    spinner.end();
  }
}

async function stillUnheard(
  link: ClusterLink,
  revision: number,
  proxies: readonly ProxyConfig[],
): Promise<readonly ProxyConfig[]> {
  const known = await Promise.all(proxies.map((proxy) => link.knownTo(proxy)));
  return proxies.filter((_, at) => (known[at] ?? revision) < revision);
}
