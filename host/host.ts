/**
 * One host: its data folder, the vault, the control listener, a pool with its application each, the data listener.
 * Everything from outside is an argument. Stopped in the other order than it was started, so that whoever serves steps
 * back before it falls silent.
 */
import { dirname } from "node:path";
import type { FastifyBaseLogger } from "fastify";
import type { Clock } from "../shared/clock.ts";
import { quarantineRules } from "../shared/clocks/quarantine.ts";
import { configurationAnswer } from "../shared/config/configuration-answer.ts";
import { atStart, remarksOf, type ConfigStanding } from "../shared/config/config-standing.ts";
import type { Address, Config, HostConfig, PoolConfig } from "../shared/config/config.ts";
import { HotspareError } from "../shared/errors.ts";
import { randomId, type BootId, type NodeId } from "../shared/ids.ts";
import type { Decisions } from "../shared/revisions/decisions.ts";
import type { Log } from "../shared/log.ts";
import { programVersion } from "../shared/program-version.ts";
import type { Random } from "../shared/random.ts";
import type { Secret } from "../shared/signature/key-ring.ts";
import { isLinearizable, isNetwork } from "../shared/vault/mount.ts";
import { probeVault } from "../shared/vault/probe-vault.ts";
import { checkVaultIdentity } from "../shared/vault/vault-identity.ts";
import type { Answer, Request } from "../shared/wire/messages.ts";
import { AppListener } from "./app/app-listener.ts";
import { AppServer } from "./app/app-server.ts";
import type { LoadedApp } from "./app/app.ts";
import { loadApp } from "./app/load-app.ts";
import { ImageTurns } from "./checkpoint/image-turns.ts";
import type { Control } from "./control.ts";
import type { ControlTuning } from "./control-link.ts";
import type { Tuning } from "./core/pool-state.ts";
import { FormatRaise } from "./format-raise.ts";
import { HostMetrics } from "./host-metrics.ts";
import { RoleHooks } from "./hooks/role-hooks.ts";
import type { HostParts, HostVault, PeerClient } from "./host-parts.ts";
import { Operations } from "./operations.ts";
import { PoolCheckpoints } from "./pool-checkpoints.ts";
import { PoolFolder } from "./pool-folder.ts";
import { HostedPool } from "./pool.ts";
import { Presence } from "./presence.ts";
import { Push } from "./push.ts";
import { SpaceWatch } from "./space-watch.ts";
import { TemporarySweeper } from "./temporary-sweeper.ts";
import { startUpkeep } from "./upkeep.ts";
import { NO_VOTE, voteWaitMs } from "./voting.ts";

export interface HostOptions {
  readonly config: Config;
  readonly id: NodeId;
  readonly secret: Secret;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: FastifyBaseLogger & Log;
  /** Ends the process at once, without answering anybody. */
  readonly die: (error: unknown) => void;
  readonly parts: HostParts;
  /** Told of everything that operations decide, as this host reads it; absent: nobody wants to know. */
  readonly onDecided?: (decisions: Decisions) => void;
  /** In place of what the configuration names, for a host inside the user's own `main`. */
  readonly app?: LoadedApp;
}

export interface RunningHost {
  readonly id: NodeId;
  /** Where it listens, with the ports that were given where the configuration says 0. */
  readonly addresses: { readonly listen: Address; readonly control: Address };
  readonly pools: readonly HostedPool[];
  /** Goes by another configuration from now on. What needs a restart must be as it was. */
  configure(standing: ConfigStanding): void;
  /** Steps back where it serves, lets requests finish for a bounded time, closes everything. Idempotent. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 5000;
const SURVEY_MS = 100;
const WARM_UP_AFTER_MS = 1000;
/** Image threads at once. With more pools a pool has one only while it needs it. */
const MOST_THREADS = 4;

interface OpenPool {
  readonly config: PoolConfig;
  readonly app: LoadedApp;
  readonly hosted: HostedPool;
  readonly checkpoints: PoolCheckpoints;
  readonly hooks: RoleHooks;
  readonly folder: PoolFolder;
}

/** Ends what was begun, last first. */
type Closer = () => Promise<void> | void;

/**
 * @throws {HotspareError} whose exit code is 78 for what the configuration or the folders are not fit for, 69 for what is
 * taken. Nothing is left running.
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const closers: Closer[] = [];
  try {
    return await new HostStart(options, closers).run();
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

class HostStart {
  readonly #options: HostOptions;
  readonly #closers: Closer[];
  readonly #own: HostConfig;
  readonly #vaultDirectory: string;
  readonly #bootId: BootId;
  readonly #pools: OpenPool[] = [];
  readonly #turns = new ImageTurns(MOST_THREADS);
  #standing: ConfigStanding;
  readonly #metrics: HostMetrics;
  #presence: Presence | null = null;
  #operations: Operations | null = null;
  #formatRaise: FormatRaise | null = null;

  constructor(options: HostOptions, closers: Closer[]) {
    this.#options = options;
    this.#closers = closers;
    this.#standing = atStart(options.config);
    this.#own = hostConfig(options);
    this.#vaultDirectory = this.#own.vault ?? options.config.vault.directory;
    this.#bootId = randomId<BootId>(options.random);
    this.#metrics = new HostMetrics(options.clock);
  }

  async run(): Promise<RunningHost> {
    const { log, parts } = this.#options;
    parts.checkData(this.#own.data, this.#vaultDirectory);
    const pools = this.#pools;
    const starting = this.#startControl();
    // Before anything is made: a vault that is not there leaves no trace of this host.
    const vault = await this.#openVault();
    this.#closers.push(parts.lockData(this.#own.data));
    const fileSystem = await vault.fileSystem();
    const reads = isLinearizable(fileSystem) ? "check" : "barrier";
    for (const pool of this.#config.pools) {
      pools.push(await this.#openPool(vault, pool, pool.reads === "auto" ? reads : pool.reads));
    }
    const control = await starting;
    const listen = await this.#listen(pools);
    const client = this.#connect();
    const operations = await this.#startOperations(vault, pools, control, client);
    this.#startReporting(vault, pools, { control, client, removed: operations.isRemoved });
    for (const pool of pools) await this.#startPool(vault, pool, operations);
    if (isNetwork(fileSystem)) this.#startPush(pools, client);
    this.#warmUpLater(listen, pools);
    log.info({ listen, control: control.address, vault: this.#vaultDirectory, reads }, "the host listens");
    return {
      id: this.#own.id,
      addresses: { listen, control: control.address },
      pools: pools.map(({ hosted }) => hosted),
      configure: (standing) => this.#configure(standing, control),
      stop: () => closeAll(this.#closers),
    };
  }

  #configure(standing: ConfigStanding, control: Control): void {
    this.#standing = standing;
    control.configure(this.#controlTuning());
    for (const { config, hosted } of this.#pools) hosted.configure(this.#poolTuning(this.#poolConfig(config)));
  }

  get #config(): Config {
    return this.#standing.config;
  }

  /** As it is now. */
  #poolConfig(pool: PoolConfig): PoolConfig {
    return this.#config.pools.find(({ id }) => id === pool.id) ?? pool;
  }

  #poolTuning({ preferred }: PoolConfig): Tuning {
    const { proxies, hosts, takeover, rejoin } = this.#config;
    return {
      firstPreferred: preferred[0] === this.#own.id,
      orderable: proxies.length > 0 && hosts.length > 1,
      takeoverTimeoutMs: takeover.timeoutMs,
      rejoin,
    };
  }

  #controlTuning(): ControlTuning {
    const { hosts, health, clock, hash } = this.#config;
    const { candidate } = hosts.find(({ id }) => id === this.#own.id) ?? this.#own;
    return {
      stalledMs: health.hangMs,
      voteWaitMs: voteWaitMs(health),
      quarantine: quarantineRules(clock.offsetMs, health.intervalMs),
      standing: { configHash: hash, candidate, ...remarksOf(this.#standing) },
    };
  }

  async #openVault(): Promise<HostVault> {
    const { config, clock, random, die, parts } = this.#options;
    const directory = this.#vaultDirectory;
    const vault = parts.openVault({ directory, clock, onFailure: die });
    this.#closers.push(() => vault.close());
    if (config.vault.id === null) {
      const reason = `${config.file} has no vault.id; \`hotspare init\` writes it`;
      throw new HotspareError("HS_VAULT_UNSUITABLE", { directory, reason });
    }
    await checkVaultIdentity({ vault, directory }, config.vault.id);
    await probeVault({ vault, directory }, random);
    return vault;
  }

  async #openPool(vault: HostVault, pool: PoolConfig, reads: "check" | "barrier"): Promise<OpenPool> {
    const { clock, random, log, die, parts } = this.#options;
    const app = await this.#appOf(pool);
    const poolLog = log.child({ pool: pool.id });
    const folder = new PoolFolder(this.#own.data, pool.id);
    const copy = parts.openCopy({
      pool: pool.id,
      folder,
      vaultDirectory: this.#vaultDirectory,
      clock,
      log: poolLog,
      lives: pool.idempotency,
    });
    const checkpoints = new PoolCheckpoints({
      pool: pool.id,
      host: this.#own.id,
      copy,
      vault,
      vaultDirectory: this.#vaultDirectory,
      temporary: folder.imagesFolder,
      limits: () => this.#poolConfig(pool).checkpoint,
      clock,
      log: poolLog,
      die,
      openImages: parts.openImages,
      turns: this.#config.pools.length <= MOST_THREADS ? null : this.#turns,
      onTaken: (taken) => this.#metrics.taken(pool.id, taken),
    });
    const hosted = new HostedPool({
      id: pool.id,
      settings: {
        pool: pool.id,
        self: this.#own.id,
        bootId: this.#bootId,
        schema: app.schema.map(({ id }) => id),
        surveyIntervalMs: SURVEY_MS,
        ...this.#poolTuning(pool),
      },
      vault,
      copy,
      schema: app.schema,
      reads,
      clock,
      random,
      log: poolLog,
      die,
      wroteSince: (sinceMs) => this.#presence?.wroteSince(sinceMs) ?? false,
      hooks: checkpoints,
      onPublished: (durationMs) => this.#metrics.published(pool.id, durationMs),
    });
    checkpoints.attach(hosted);
    this.#metrics.watchPool(hosted, checkpoints, vault);
    const call = parts.callHook;
    const hooks = new RoleHooks({
      self: this.#own.id,
      config: this.#config,
      pool: hosted,
      call,
      clock,
      random,
      log: poolLog,
    });
    // After every pool has left: none waits for another one's hooks.
    this.#closers.push(() => hooks.stop());
    return { config: pool, app, hosted, checkpoints, hooks, folder };
  }

  async #listen(pools: readonly OpenPool[]): Promise<Address> {
    const { clock, log, parts } = this.#options;
    const servers: AppServer[] = [];
    for (const { hosted, app } of pools) {
      servers.push(await AppServer.create({ access: hosted, app, log: log.child({ pool: hosted.id }) }));
    }
    const listener = new AppListener({ servers, clock, sockets: parts.sockets, log });
    this.#closers.push(() => listener.close(STOP_GRACE_MS));
    return listener.listen(this.#own.listen);
  }

  /** Its thread takes a while to start, so it begins first; until a pool is there it is no candidate for it. */
  #startControl(): Promise<Control> {
    const pools = this.#pools;
    const { config, secret, clock, log, die, parts } = this.#options;
    const find = (id: string): OpenPool => {
      const pool = pools.find(({ hosted }) => hosted.id === id);
      if (pool) return pool;
      const accepted = pools.map(({ hosted }) => hosted.id).join(", ");
      throw new HotspareError("HS_MESSAGE_INVALID", { field: "pool", found: id, accepted });
    };
    const starting = parts.startControl({
      host: this.#own,
      cluster: config.cluster,
      secret,
      bootId: this.#bootId,
      vaultId: config.vault.id,
      version: programVersion(),
      files: { configuration: config.file, secret: config.secret },
      tuning: this.#controlTuning(),
      registers: [this.#metrics.register],
      clock,
      handlers: {
        promote: async (request, from) => await find(request.pool).hosted.promote(request, from),
        vote: async ({ pool, fence }) => (await this.#presence?.vote(find(pool).hosted, fence)) ?? NO_VOTE,
        appended: async (request) => await Promise.resolve(find(request.pool).hosted.hinted()),
        checkpoint: async (request) => await find(request.pool).checkpoints.take(request.reason),
        handover: async (request, from) => await this.#operating().handover(request, from),
        decide: async (request, from) => await this.#operating().decide(request, from),
        revisions: async (request, from) => await this.#operating().revisions(request, from),
        enrol: async (request, from) => await this.#operating().enrol(request, from),
        configuration: () => Promise.resolve(configurationAnswer(this.#standing)),
        "finish-upgrade": async (request) => await this.#finishUpgrade(find(request.pool).hosted, request),
      },
      onRevision: () => this.#operations?.look(),
      onWelcomed: (newcomer) =>
        log.info({ newcomer }, "a machine that was invited was given the configuration and the secret"),
      onFailed: die,
      onRefused: (refusal, count) => log.warn({ ...refusal, count }, "a message was refused"),
      onQuarantine: (reason) =>
        reason === null
          ? log.info({}, "the clock of this host is trusted again")
          : log.warn({ reason }, "this host distrusts its clock"),
    });
    // It may still be starting when something else fails, and fail itself before anybody awaits it.
    starting.catch(() => undefined);
    this.#closers.push(() =>
      starting.then(
        (control) => control.stop(),
        () => undefined,
      ),
    );
    return starting;
  }

  /** A host that serves already is warm; one that does not has time. */
  #warmUpLater(listen: Address, pools: readonly OpenPool[]): void {
    const { clock, log, parts } = this.#options;
    const cancel = clock.after(WARM_UP_AFTER_MS, () => {
      if (!pools.some(({ hosted }) => hosted.serving)) void parts.warmUp({ listen, data: this.#own.data, log });
    });
    this.#closers.push(cancel);
  }

  #startReporting(
    vault: HostVault,
    open: readonly OpenPool[],
    { control, client, removed }: { readonly control: Control; readonly client: PeerClient; readonly removed: boolean },
  ): void {
    const { clock, log } = this.#options;
    const known = { self: this.#own.id, bootId: this.#bootId };
    const configured = { hosts: () => this.#config.hosts, health: () => this.#config.health };
    const presence = new Presence({ ...known, ...configured, pools: open, vault, control, client, removed, clock });
    const space = new SpaceWatch({ vault, pools: open.map(({ hosted }) => hosted), clock, log });
    const sweeper = new TemporarySweeper({ vault, clock, log });
    const formatRaise = new FormatRaise({ self: this.#own.id, hosts: configured.hosts, client, clock, log });
    this.#presence = presence;
    this.#formatRaise = formatRaise;
    this.#metrics.watchSpace(() => space.space);
    this.#closers.push(() => {
      formatRaise.stop();
      sweeper.stop();
      presence.stop();
      space.stop();
    });
  }

  /** Before the pools: whoever was taken out must know it before it could take over. */
  async #startOperations(
    vault: HostVault,
    pools: readonly OpenPool[],
    control: Control,
    client: PeerClient,
  ): Promise<Operations> {
    const { clock, random, log } = this.#options;
    const config = (): Config => this.#config;
    const onDecided = this.#options.onDecided ?? ((): void => undefined);
    const operations = new Operations({
      self: this.#own.id,
      config,
      pools,
      vault,
      control,
      client,
      clock,
      random,
      log,
      onDecided,
      onRemoved: () => this.#presence?.fallSilent(),
    });
    this.#closers.push(() => operations.stop());
    await operations.start();
    this.#operations = operations;
    return operations;
  }

  #operating(): Operations {
    if (this.#operations) return this.#operations;
    throw new HotspareError("HS_OPERATION_BUSY", { what: this.#own.id, first: "it is starting" });
  }

  async #startPool(
    vault: HostVault,
    { config: pool, hosted, checkpoints, hooks, folder }: OpenPool,
    operations: Operations,
  ): Promise<void> {
    this.#closers.push(async () => {
      await operations.leave(hosted, "the host stops");
      await hosted.stop();
      await checkpoints.stop();
    });
    await hosted.checkFormat();
    await hosted.start();
    hooks.start();
    const { clock, log, parts } = this.#options;
    const stop = startUpkeep({
      self: this.#own.id,
      pool: hosted,
      checkpoints,
      folder,
      vault,
      vaultDirectory: this.#vaultDirectory,
      hosts: () => this.#config.hosts.map(({ id }) => id),
      keep: () => this.#poolConfig(pool).checkpoint.keep,
      cleanDelayMs: () => this.#config.cleanDelayMs,
      attest: parts.attest,
      clock,
      log: log.child({ pool: pool.id }),
    });
    this.#closers.push(stop);
  }

  /** A host that is still starting serves nothing. */
  #finishUpgrade(pool: HostedPool, request: Request<"finish-upgrade">): Promise<Answer<"finish-upgrade">> {
    if (this.#formatRaise === null) throw new HotspareError("HS_NOT_PRIMARY", { pool: pool.id });
    return this.#formatRaise.finish(pool, request);
  }

  /** To other hosts. */
  #connect(): PeerClient {
    const { config, secret, clock, random, parts } = this.#options;
    const client = parts.connect({ self: this.#own.id, cluster: config.cluster, secret, clock, random });
    this.#closers.push(() => client.close());
    return client;
  }

  /** Where the share cannot tell other machines that something is new, messages do. */
  #startPush(pools: readonly OpenPool[], client: PeerClient): void {
    const { clock } = this.#options;
    const hosts = (): readonly HostConfig[] => this.#config.hosts.filter(({ id }) => id !== this.#own.id);
    const pushes = pools.map(({ hosted }) => new Push({ pool: hosted, hosts, client, clock }));
    this.#closers.push(() => {
      for (const push of pushes) push.stop();
    });
  }

  #appOf(pool: PoolConfig): Promise<LoadedApp> {
    const { app, config } = this.#options;
    return app ? Promise.resolve(app) : loadApp(pool.app, dirname(config.file));
  }
}

function hostConfig({ config, id }: HostOptions): HostConfig {
  const own = config.hosts.find((host) => host.id === id);
  if (own) return own;
  const known = config.hosts.map((host) => host.id).join(", ");
  throw new HotspareError("HS_USAGE", { reason: `${config.file} has no host ${id}; it has ${known}` });
}

async function closeAll(closers: Closer[]): Promise<void> {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
}
