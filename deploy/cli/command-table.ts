/** Every command, in the order of the help. */
import type { CommandEntry } from "./command.ts";

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "init",
    summary: "make what a cluster lacks: configuration, secret, vault",
    load: async () => (await import("./commands/init.ts")).initCommand,
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
    name: "vault",
    summary: "check, verify or list the vault",
    load: async () => (await import("./commands/vault.ts")).vaultCommand,
  },
  {
    name: "config",
    summary: "check or show the configuration",
    load: async () => (await import("./commands/config.ts")).configCommand,
  },
  {
    name: "secret",
    summary: "rotate or show the cluster's secret",
    load: async () => (await import("./commands/secret.ts")).secretCommand,
  },
  {
    name: "version",
    summary: "show the versions of this program and what it runs on",
    load: async () => (await import("./commands/version.ts")).versionCommand,
  },
];
