/** Every command, in the order of the help. */
import type { CommandEntry } from "./command.ts";

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "init",
    summary: "make what a cluster lacks: configuration, secret, vault",
    load: async () => (await import("./commands/init.ts")).initCommand,
  },
  {
    name: "invite",
    summary: "make a token with which one machine joins",
    load: async () => (await import("./commands/invite.ts")).inviteCommand,
  },
  {
    name: "join",
    summary: "make this machine a host or proxy of a cluster",
    load: async () => (await import("./commands/join.ts")).joinCommand,
  },
  {
    name: "host",
    summary: "run one host",
    load: async () => (await import("./commands/host.ts")).hostCommand,
  },
  {
    name: "proxy",
    summary: "run one proxy",
    load: async () => (await import("./commands/proxy.ts")).proxyCommand,
  },
  {
    name: "up",
    summary: "run a whole cluster on this machine",
    load: async () => (await import("./commands/up.ts")).upCommand,
  },
  {
    name: "status",
    summary: "show pools, hosts and proxies",
    load: async () => (await import("./commands/status.ts")).statusCommand,
  },
  {
    name: "doctor",
    summary: "look for what is wrong, and say how to mend it",
    load: async () => (await import("./commands/doctor.ts")).doctorCommand,
  },
  {
    name: "simulate",
    summary: "say who would take over if nodes died now",
    load: async () => (await import("./commands/simulate.ts")).simulateCommand,
  },
  {
    name: "support",
    summary: "collect what somebody needs who is to help",
    load: async () => (await import("./commands/support.ts")).supportCommand,
  },
  {
    name: "switchover",
    summary: "move a pool to another host, with nothing failed",
    load: async () => (await import("./commands/switchover.ts")).switchoverCommand,
  },
  {
    name: "failover",
    summary: "force a host to take a pool over",
    load: async () => (await import("./commands/failover.ts")).failoverCommand,
  },
  {
    name: "pool",
    summary: "show pools, move one, spread them over the hosts",
    load: async () => (await import("./commands/pool.ts")).poolCommand,
  },
  {
    name: "node",
    summary: "show nodes, take one out, bring it back, remove it",
    load: async () => (await import("./commands/node.ts")).nodeCommand,
  },
  {
    name: "maintenance",
    summary: "let nobody take over by itself for a while",
    load: async () => (await import("./commands/maintenance.ts")).maintenanceCommand,
  },
  {
    name: "reenrol",
    summary: "bring a host back that was deposed and waits",
    load: async () => (await import("./commands/reenrol.ts")).reenrolCommand,
  },
  {
    name: "events",
    summary: "show what happened, and why",
    load: async () => (await import("./commands/events.ts")).eventsCommand,
  },
  {
    name: "history",
    summary: "show every failover of a pool",
    load: async () => (await import("./commands/history.ts")).historyCommand,
  },
  {
    name: "checkpoint",
    summary: "take a checkpoint now",
    load: async () => (await import("./commands/checkpoint.ts")).checkpointCommand,
  },
  {
    name: "import",
    summary: "make an existing SQLite file the state of a new pool",
    load: async () => (await import("./commands/import.ts")).importCommand,
  },
  {
    name: "restore",
    summary: "write a pool's state into a plain SQLite file",
    load: async () => (await import("./commands/restore.ts")).restoreCommand,
  },
  {
    name: "vault",
    summary: "check, verify or list the vault",
    load: async () => (await import("./commands/vault.ts")).vaultCommand,
  },
  {
    name: "config",
    summary: "check, show, compare or change the configuration",
    load: async () => (await import("./commands/config.ts")).configCommand,
  },
  {
    name: "secret",
    summary: "rotate or show the cluster's secret",
    load: async () => (await import("./commands/secret.ts")).secretCommand,
  },
  {
    name: "upgrade",
    summary: "check or finish a rolling upgrade",
    load: async () => (await import("./commands/upgrade.ts")).upgradeCommand,
  },
  {
    name: "version",
    summary: "show the versions of this program and what it runs on",
    load: async () => (await import("./commands/version.ts")).versionCommand,
  },
];
