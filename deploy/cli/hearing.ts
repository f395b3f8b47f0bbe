/** Waiting until the proxies know what was decided, so that what an operator does next is done under it. */
import { sleep } from "../../shared/clock.ts";
import type { ProxyConfig } from "../../shared/config/config.ts";
import type { ClusterLink } from "./cluster-link.ts";
import type { CommandContext } from "./command.ts";
import { Spinner } from "./spinner.ts";

/** They hear it by the next heartbeat of any host that has read it. */
const WAIT_MS = 5000;
const LOOK_MS = 100;

/** A line about each proxy that is not known to know that revision, or a later one. One that answers is given a while. */
export async function unheard(
  link: ClusterLink,
  revision: number,
  context: CommandContext,
): Promise<readonly string[]> {
  const spinner = new Spinner(context, "the proxies hear of it");
  try {
    const lines = await Promise.all(link.config.proxies.map((proxy) => hear(proxy, revision, { link, context })));
    return lines.filter((line) => line !== null);
  } finally {
    spinner.end();
  }
}

async function hear(
  proxy: ProxyConfig,
  wanted: number,
  { link, context: { clock } }: { readonly link: ClusterLink; readonly context: CommandContext },
): Promise<string | null> {
  const untilMs = clock.monotonicMs() + WAIT_MS;
  for (;;) {
    const { revision, reason } = await link.knownTo(proxy);
    if (reason !== null) return `${proxy.id} cannot be asked whether it knows of it: ${reason}`;
    if (revision === null) return `${proxy.id} runs an older program, which does not say whether it knows of it`;
    if (revision >= wanted) return null;
    if (clock.monotonicMs() >= untilMs) return `${proxy.id} does not know of it yet, and still does as before`;
    await sleep(clock, LOOK_MS);
  }
}
