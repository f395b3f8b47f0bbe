/** Looks at the vault from this machine: is it the right one, fit, and do the writes of all hosts show in it, and when. */
import { HINT_INTERVAL_MS, readHostHint } from "../../../shared/checkpoint/host-hint.ts";
import { readManifest } from "../../../shared/checkpoint/read-manifest.ts";
import { sleep } from "../../../shared/clock.ts";
import type { Config } from "../../../shared/config/config.ts";
import { isHotspareError, reasonOf } from "../../../shared/errors.ts";
import type { PoolId } from "../../../shared/ids.ts";
import { probeVault } from "../../../shared/vault/probe-vault.ts";
import type { Vault } from "../../../shared/vault/vault.ts";
import type { HostWord } from "../cluster-link.ts";
import type { CommandContext } from "../command.ts";
import { inTime } from "../in-time.ts";
import { fenceHistory } from "../vault/fence-history.ts";
import { vaultDirectory, withVault, type OpenVault } from "../vault/open-vault.ts";
import { listPoolFiles } from "../vault/pool-files.ts";
import type { HintFacts, PoolFiles, VaultFacts } from "./facts.ts";

interface Seers {
  readonly own: ReadonlySet<string>;
  readonly hosts: readonly HostWord[];
}

/** A share that hangs must not hang whoever looks for what is wrong. */
const PATIENCE_MS = 20_000;
const WATCH_MS = 4 * HINT_INTERVAL_MS;
const LOOK_MS = 50;

/** Through the mount point of a host of this machine, where there is one. Never throws. */
export async function lookAtVault(config: Config, { own, hosts }: Seers, context: CommandContext): Promise<VaultFacts> {
  const host = config.hosts.find(({ id }) => own.has(id))?.id;
  const directory = vaultDirectory(config, host);
  const unseen = (code: string, reason: string): VaultFacts => ({ seen: false, directory, code, reason });
  const late = unseen("HS_VAULT_IO", `${directory} does not answer within ${PATIENCE_MS / 1000} s`);
  try {
    const { clock } = context;
    const look = withVault(config, { host, clock }, (open) => lookInto(config, { open, hosts }, context));
    return await inTime(look, late, { clock, timeoutMs: PATIENCE_MS });
  } catch (error) {
    return unseen(isHotspareError(error) ? error.code : "HS_VAULT_IO", reasonOf(error));
  }
}

async function lookInto(
  config: Config,
  { open, hosts }: { readonly open: OpenVault; readonly hosts: readonly HostWord[] },
  context: CommandContext,
): Promise<VaultFacts> {
  const { vault, directory } = open;
  const unfit = await probeVault(open, context.random).then(() => null, reasonOf);
  const pools: PoolFiles[] = [];
  for (const { id } of config.pools) pools.push(await poolFiles(vault, id));
  const hints = await Promise.all(hosts.flatMap((host) => (host.report === null ? [] : [watch(vault, host, context)])));
  return { seen: true, directory, mount: await vault.fileSystem(), space: await vault.space(), unfit, pools, hints };
}

async function poolFiles(vault: Vault, pool: PoolId): Promise<PoolFiles> {
  const { checkpoints, slots } = await listPoolFiles(vault, pool);
  const { broken } = await fenceHistory({ vault, pool });
  const [newest] = checkpoints;
  const read = newest ? await readManifest(vault, pool, newest) : null;
  const checkpointMs = read?.type === "manifest" ? read.manifest.wallMs : null;
  const recordsSince = slots.filter((at) => at > (newest?.slot ?? 0)).length;
  return { pool, checkpointMs, recordsSince, broken: broken?.message ?? null };
}

/** Until the host's file changes: how late that shows, by both wall clocks. */
async function watch(vault: Vault, word: HostWord, { clock }: CommandContext): Promise<HintFacts> {
  const { id } = word.host;
  const offsetMs = word.report === null ? 0 : word.clock.offsetMs;
  const first = await readHostHint(vault, id);
  for (const endMs = clock.monotonicMs() + WATCH_MS; clock.monotonicMs() < endMs;) {
    await sleep(clock, LOOK_MS);
    const hint = await readHostHint(vault, id);
    if (hint === null || hint.tick === first?.tick) continue;
    return { host: id, moves: true, lateMs: clock.wallMs() + offsetMs - hint.wallMs };
  }
  return { host: id, moves: false, lateMs: null };
}
