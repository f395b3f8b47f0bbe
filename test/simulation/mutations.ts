/**
 * Mistakes that somebody might make in the production code, each one that looks right. Every one must be found by the
 * simulation within a bounded number of seeds: that is the evidence that the simulation can fail. One that is not found
 * is a hole in the simulation.
 */
import { AGREEMENT_MUTATIONS } from "./agreement-mutations.ts";
import type { Faults as CoreFaults, Swarm as CoreSwarm } from "./core/swarm.ts";
import type { Mutation } from "./mutation.ts";
import { QUIET } from "./swarm.ts";

/** Whatever else would make the seed end for another reason. */
const NO_DISASTERS = {
  crashMs: null,
  cutMs: null,
  fullMs: null,
  corruptMs: null,
  vaultCrashMs: null,
  losesDisk: 0,
  lostPut: 0,
  lateAfterDeath: 0,
} as const;

/** An old cache, and a journal that is cleaned behind it all the time. */
const cleaned = (swarm: CoreSwarm): CoreSwarm => ({
  ...swarm,
  hosts: 4,
  clients: 4,
  proxies: 0,
  thinkMs: 10,
  checkpointEverySlots: 2,
  runMs: 16_000,
  cleanDelayMs: 1_200,
  staleMs: 400,
  reads: "barrier",
  faults: { ...swarm.faults, orderMs: 150, cutMs: null, fullMs: null, corruptMs: null, pauseAtFence: 0.5 },
});

/** A primary whose put is lost, and takers that sleep before their fence, until the slot is cleaned away. */
const sleepers = (faults: CoreFaults): CoreFaults => ({
  ...faults,
  lostPut: 0.6,
  pauseAtCall: 0.03,
  pauseAtFence: 0.7,
  orderMs: 60,
  pauseMs: 300,
  longestPauseMs: 2_000,
  crashMs: null,
  vaultCrashMs: null,
});

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "answer before the folder is synced",
    by: "hosts",
    edits: [
      {
        file: "shared/vault/directory-vault.ts",
        find: "      this.#folders.syncOpened(at.folder, fd);\n",
        replace: "      this.#closeQuietly(fd);\n",
      },
    ],
  },
  {
    name: "answer before the put returns",
    by: "hosts",
    edits: [
      {
        file: "host/pool-effects.ts",
        find: "    this.#options.vault.put(name, sealed.bytes).then(",
        replace: `    queueMicrotask(() => this.#options.dispatch({ type: "put", call, result: { type: "created" } }));
    this.#options.vault.put(name, sealed.bytes).then(`,
      },
    ],
  },
  {
    name: "after an unknown outcome go on to the next slot",
    by: "cores",
    edits: [
      {
        file: "host/core/publication.ts",
        find: '    case "exists":\n    case "unknown":\n',
        replace: '    case "unknown":\n      return published;\n    case "exists":\n',
      },
    ],
  },
  {
    name: "an unknown outcome counts as refused",
    by: "cores",
    edits: [
      {
        file: "host/core/publication.ts",
        find: '    case "exists":\n    case "unknown":\n',
        replace: `    case "unknown":
      return { type: "done", outcome: { type: "refused", error: result.error } };
    case "exists":
`,
      },
    ],
  },
  {
    name: "skip the own-id check: whatever has the name is the own record",
    by: "cores",
    edits: [
      {
        file: "host/core/publication.ts",
        find: "return id === publication.sealed.record.header.id ? published : {",
        replace: "return publication.attempts > 0 ? published : {",
      },
    ],
  },
  {
    name: "skip the own-id check: whatever has the name is another's",
    by: "cores",
    edits: [
      {
        file: "host/core/publication.ts",
        find: "return id === publication.sealed.record.header.id ? published : {",
        replace: "return publication.attempts < 0 ? published : {",
      },
    ],
  },
  {
    name: "own id read back counts as published without a sync of the folder",
    by: "cores",
    edits: [
      {
        file: "host/core/publication.ts",
        find: "  if (publication.synced !== id) return sync({ ...publication, synced: id });\n",
        replace: "",
      },
    ],
  },
  {
    name: "two batches in flight",
    by: "hosts",
    edits: [
      {
        file: "host/committer.ts",
        find: "if (!tenure || this.#inFlight || this.#holding || this.#isOver) return;",
        replace: "if (!tenure || this.#holding) return;",
      },
    ],
  },
  {
    name: "no listing after the fence",
    by: "cores",
    edits: [
      {
        file: "host/core/takeover-confirm.ts",
        find: "  if (survey === null) return confirmLater(state, takeover, head, now);\n",
        replace:
          '  if (survey !== null) return catchUp(state, stamp(takeover, "confirmedMs", now), head);\n  if (survey === null) return confirmLater(state, takeover, head, now);\n',
      },
    ],
  },
  {
    name: "serve before the listing after the fence",
    by: "cores",
    edits: [
      {
        file: "host/core/takeover-fence.ts",
        find: '  return confirm(state, stamp(takeover, "fencedMs", now), extension.head);',
        replace: '  return catchUp(state, stamp(takeover, "fencedMs", now), extension.head);',
      },
      {
        file: "host/core/takeover-fence.ts",
        find: 'import { confirm } from "./takeover-confirm.ts";',
        replace: 'import { catchUp } from "./takeover-confirm.ts";',
      },
    ],
  },
  {
    name: "delete fences",
    by: "cores",
    edits: [
      {
        file: "host/core/retention-plan.ts",
        find: 'return kind === "batch" || kind === "release";',
        replace: 'return kind === "batch" || kind === "release" || kind === "fence";',
      },
    ],
  },
  {
    name: "clean without the delay",
    by: "cores",
    coreFocus: (swarm) => ({ ...cleaned(swarm), faults: { ...cleaned(swarm).faults, crashMs: null } }),
    edits: [
      {
        file: "host/core/retention-plan.ts",
        find: "({ firstSeenMs }) => nowMs - firstSeenMs >= cleanDelayMs",
        replace: "({ firstSeenMs }) => nowMs - firstSeenMs >= 0 * cleanDelayMs",
      },
    ],
  },
  {
    name: "clean up to the newest checkpoint",
    by: "hosts",
    edits: [
      {
        file: "host/core/retention-plan.ts",
        find: "    horizon: oldest.slot,\n",
        replace: "    horizon: (headSlot + 1) as typeof oldest.slot,\n",
      },
    ],
  },
  {
    name: "apply before publishing",
    by: "hosts",
    edits: [
      {
        file: "host/committer.ts",
        find: "    this.#inFlight = { batch, sealed, startedMs: this.#options.clock.monotonicMs(), work };\n",
        replace: `    const early = extend(tenure.head, sealed);
    if (early.ok) batch.commit(early.head);
    const done = { commit: () => undefined, rollback: () => undefined };
    this.#inFlight = { batch: done, sealed, startedMs: this.#options.clock.monotonicMs(), work };
`,
      },
      {
        file: "host/committer.ts",
        find: 'import type { Head } from "../shared/journal/head.ts";',
        replace: 'import { extend, type Head } from "../shared/journal/head.ts";',
      },
    ],
  },
  {
    name: "a standby that applies without a sync of the folder",
    by: "hosts",
    edits: [
      {
        file: "host/journal-reader.ts",
        find: "    for (const shard of shards) await this.#vault.sync(shardFolder(this.#pool, shard));\n",
        replace: "",
      },
    ],
  },
  {
    name: "ignore a previous hash that does not match, and whose tenure it is",
    by: "cores",
    coreFocus: (swarm) => ({
      ...swarm,
      hosts: 3,
      clients: 4,
      proxies: 0,
      thinkMs: 20,
      staleMs: 0,
      faults: { ...swarm.faults, ...NO_DISASTERS, rollbackMs: 2_000 },
    }),
    edits: [
      {
        file: "shared/journal/head.ts",
        find: "  if (header.previousHash !== head.hash) {",
        replace: "  if (header.previousHash !== head.hash && head.slot < 0) {",
      },
      {
        file: "shared/journal/head.ts",
        find: "if (header.epoch === fence.epoch && header.owner === fence.owner && header.bootId === fence.bootId) return null;",
        replace: "if (header.epoch >= fence.epoch) return null;",
      },
      {
        file: "shared/journal/head.ts",
        find: "  return found === expected ? null :",
        replace: "  return found >= 0 ? null :",
      },
    ],
  },
  {
    name: "resume an epoch after a restart",
    by: "hosts",
    edits: [
      {
        file: "host/core/self-start.ts",
        find: "  return beginTakeover({ ...clearWait(state), heir: null }, order, [], now);",
        replace: `  const takeover = { order, tickets: [], verified: state.applied, timings: { beganMs: now } };
  if (state.applied !== null) return open({ ...state, phase: { type: "taking-over", takeover, stage: { type: "settling", call: 0 } } }, takeover, state.applied, now);
  return beginTakeover({ ...clearWait(state), heir: null }, order, [], now);`,
      },
      {
        file: "host/core/self-start.ts",
        find: 'import { beginTakeover } from "./takeover.ts";',
        replace: 'import { open } from "./primary.ts";\nimport { beginTakeover } from "./takeover.ts";',
      },
    ],
  },
  {
    name: "forget a key",
    by: "hosts",
    edits: [
      { file: "host/store/sqlite-batch.ts", find: "      if (recalled) return recalled;\n", replace: "" },
      {
        file: "host/store/settlement.ts",
        find: '"insert into hs_commit (',
        replace: '"insert or replace into hs_commit (',
      },
    ],
  },
  {
    name: "a purged key is executed again",
    by: "hosts",
    focus: (swarm) => ({
      ...swarm,
      keyLifeMs: 20,
      proxies: 1,
      hosts: 3,
      thinkMs: 15,
      clients: 4,
      faults: { ...QUIET, resetMs: 15, orderMs: 2_000 },
    }),
    edits: [
      {
        file: "host/store/settlement.ts",
        find: "if (key.firstSentLogTimeMs === null || key.firstSentLogTimeMs + lifeMs(key, lives) >= logTimeMs) return null;",
        replace: "if (key.key !== '' || logTimeMs < lifeMs(key, lives)) return null;",
      },
      // No mistake, but so often that it shows.
      { file: "host/pool.ts", find: "const PURGE_INTERVAL_MS = 60_000;", replace: "const PURGE_INTERVAL_MS = 20;" },
    ],
  },
  {
    name: "a read without its proof",
    by: "hosts",
    edits: [
      {
        file: "host/pool.ts",
        find: '    if (consistency.type === "linearizable") await this.#proof.prove();\n',
        replace: "",
      },
    ],
  },
  {
    name: "a proof that looks only at the slot after the last applied one",
    by: "cores",
    coreFocus: (swarm) => ({
      ...swarm,
      hosts: 3,
      clients: 4,
      proxies: 0,
      thinkMs: 10,
      staleMs: 0,
      reads: "check",
      faults: {
        ...swarm.faults,
        lostPut: 0.3,
        orderMs: 150,
        vaultCrashMs: null,
        corruptMs: null,
        fullMs: null,
        cutMs: null,
      },
    }),
    edits: [
      {
        file: "host/read-proof.ts",
        find: "const started = inFlight ? nextSlot(head) : head;",
        replace: "const started = inFlight ? head : head;",
      },
    ],
  },
  {
    name: "a damaged record is believed",
    by: "hosts",
    focus: (swarm) => ({ ...swarm, hosts: 3, faults: { ...swarm.faults, flippedRead: 0.01, losesDisk: 0.2 } }),
    edits: [
      {
        file: "shared/journal/record-codec.ts",
        find: 'crc32(bytes.subarray(0, end)) === bytes.readUInt32BE(end) ? null : "its checksum is wrong"',
        replace: 'crc32(bytes.subarray(0, 0)) === 0 ? null : "its checksum is wrong"',
      },
    ],
  },
  {
    name: "a proxy believes a standby's epoch",
    by: "hosts",
    edits: [
      {
        file: "proxy/core/pool-view.ts",
        find: "const own = entry.serving && entry.fence.owner === report.host && entry.fence.bootId === report.bootId;",
        replace: "const own = entry.fence.epoch > 0;",
      },
    ],
  },
  {
    name: "a void fence is followed",
    by: "cores",
    edits: [
      {
        file: "host/core/survey.ts",
        find: '  if (covered) return "void-fence";\n  return seen === "any" || seen === hash ? null : "unlisted-fence";',
        replace: '  return seen === "any" || seen === hash || hash !== "" ? null : "unlisted-fence";',
      },
      {
        file: "host/core/survey.ts",
        find: '  if (mayProve && (covered || (next === "unread" && seen !== "any"))) return "unproven-fence";\n',
        replace: '  if (mayProve && covered && seen === "never") return "unproven-fence";\n',
      },
    ],
  },
  {
    name: "deposed means not applied",
    by: "cores",
    coreFocus: (swarm) => ({
      ...cleaned(swarm),
      staleMs: 0,
      cleanDelayMs: 130,
      faults: sleepers(cleaned(swarm).faults),
    }),
    edits: [
      {
        file: "host/core/deposition.ts",
        find: "const cleaned = survey === null || survey.checkpoints.some((at) => at >= by.record.header.slot);",
        replace: "const cleaned = survey === null && by.hash.length === 0;",
      },
    ],
  },
  {
    name: "a proxy sends a request again as another one",
    by: "hosts",
    edits: [
      {
        file: "proxy/relay/exchange.ts",
        find: "requestId: this.#requestId,\n      attempt:",
        replace: "requestId: this.#requestId + String(this.#executions.nextAttempt),\n      attempt:",
      },
    ],
  },
  {
    name: "a proxy executes a request as often as it takes",
    by: "hosts",
    edits: [
      {
        file: "proxy/relay/executions.ts",
        find: "const MOST_EXECUTIONS = 2;",
        replace: "const MOST_EXECUTIONS = 20;",
      },
      { file: "proxy/relay/executions.ts", find: "executions < attempts && ", replace: "attempts > 0 && " },
    ],
  },
  {
    name: "a host never comes back from its quarantine",
    by: "hosts",
    focus: (swarm) => ({
      ...swarm,
      hosts: 3,
      proxies: 1,
      clockDrift: 0,
      faults: { ...QUIET, clockJumpMs: 2_000 },
    }),
    edits: [
      {
        file: "shared/clocks/quarantine.ts",
        find: "nowMs - doubtSinceMs >= returnMs ? {",
        replace: "nowMs - doubtSinceMs >= returnMs * 1e6 ? {",
      },
    ],
  },
  ...AGREEMENT_MUTATIONS,
];
