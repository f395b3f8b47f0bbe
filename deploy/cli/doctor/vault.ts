/** The vault as this machine sees it: the right one, fit, roomy, with checkpoints and a whole journal. Pure. */
import { isNetwork, type FileSystem } from "../../../shared/vault/mount.ts";
import { sizeText } from "../size-text.ts";
import type { Facts, PoolFiles, VaultFacts } from "./facts.ts";
import { failing, ok, orWell, warning, wrong, type Finding } from "./finding.ts";

type Seen = Extract<VaultFacts, { seen: true }>;

const SUBJECT = "vault";
/** Below that a host refuses writes. */
const LEAST_BYTES = 64 * 1024 ** 2;
const LEAST_INODES = 1000;
const LITTLE_BYTES = 1024 ** 3;
/** Well above what a network file system may cache. */
const NETWORK_CLEAN_DELAY_MS = 3_600_000;

export function vaultFindings(facts: Facts): readonly Finding[] {
  const { vault } = facts;
  if (!vault.seen) return [unseen(vault, facts)];
  const { directory, mount } = vault;
  return [
    ...orWell(
      fitness(vault),
      SUBJECT,
      `${directory} is this cluster's, on ${mount.type}; a name is created exactly once`,
    ),
    ...mountFindings(mount, facts),
    ...space(vault),
    ...vault.pools.flatMap((pool) => orWell(poolFindings(pool, facts), SUBJECT, poolText(pool))),
  ];
}

function unseen({ directory, code, reason }: Extract<VaultFacts, { seen: false }>, { config, own }: Facts): Finding {
  const foreign = code === "HS_VAULT_FOREIGN" || code === "HS_VAULT_FORMAT";
  const needed = config.hosts.some(({ id }) => own.has(id));
  if (foreign) return wrong(SUBJECT, reason, "mount the right share there; never change vault.id to get rid of this");
  if (needed)
    return wrong(SUBJECT, reason, `mount the share at ${directory}; do not run hotspare init to get rid of this`);
  if (code === "HS_VAULT_IO") return failing(SUBJECT, reason, "look at the share on this machine");
  return warning(SUBJECT, `not looked at from here: ${reason}`, "run hotspare doctor on a machine of a host, too");
}

function fitness({ unfit, directory }: Seen): readonly Finding[] {
  if (unfit === null) return [];
  return [failing(SUBJECT, `${directory}: ${unfit}`, "look at the share: hard links, sync, space, who may write")];
}

function mountFindings(mount: FileSystem, { config }: Facts): readonly Finding[] {
  const found = MOUNTS.filter(
    ({ types, option }) => types.test(mount.type) && mount.options.some((one) => option.test(one)),
  );
  const cleaning =
    isNetwork(mount) && config.cleanDelayMs < NETWORK_CLEAN_DELAY_MS
      ? [
          warning(
            "mount",
            `cleanDelay is ${config.cleanDelayMs / 1000} s on a network file system`,
            "set cleanDelay to 1h or more",
          ),
        ]
      : [];
  const lost = /^(?:tmpfs|ramfs|overlay)$/.test(mount.type)
    ? [
        warning(
          "mount",
          `${mount.type} keeps nothing over a loss of power`,
          "put the vault on a real file system or share",
        ),
      ]
    : [];
  return [...found.map(({ text, mend }) => warning("mount", text, mend)), ...cleaning, ...lost];
}

/** Options with which a share does not do what it says. */
const MOUNTS: readonly {
  readonly types: RegExp;
  readonly option: RegExp;
  readonly text: string;
  readonly mend: string;
}[] = [
  {
    types: /^nfs4?$/,
    option: /^soft/,
    text: "NFS is mounted soft: a call that takes long fails, though the server may still do it",
    mend: "mount it hard",
  },
  {
    types: /^nfs4?$/,
    option: /^nocto$/,
    text: "NFS is mounted nocto: what other hosts wrote may be seen late",
    mend: "mount it without nocto",
  },
  {
    types: /^(?:cifs|smb3|9p)$/,
    option: /^cache=(?:loose|fscache|mmap)$/,
    text: "the share is cached without asking the server: what other hosts wrote may be seen late",
    mend: "mount it with cache=strict, 9p with cache=none",
  },
  {
    types: /^(?:ext[34]|xfs)$/,
    option: /^(?:nobarrier|barrier=0)$/,
    text: "the file system does not flush the disk's cache: what was synced may be lost with the power",
    mend: "mount it without nobarrier, unless the cache is safe",
  },
];

function space({ space: { freeBytes, freeInodes } }: Seen): readonly Finding[] {
  const inodes = Number.isFinite(freeInodes) ? `, ${freeInodes} inodes` : "";
  const text = `${sizeText(freeBytes)}${inodes} free`;
  if (freeBytes < LEAST_BYTES || freeInodes < LEAST_INODES)
    return [failing("space", `${text}: writes are refused`, "make room; it goes on by itself")];
  if (freeBytes < LITTLE_BYTES)
    return [warning("space", `only ${text}`, "make room before writes are refused, at 64 MiB")];
  return [ok("space", text)];
}

function poolFindings({ pool, checkpointMs, recordsSince, broken }: PoolFiles, facts: Facts): readonly Finding[] {
  const limit = facts.config.pools.find(({ id }) => id === pool)?.checkpoint.intervalMs ?? Number.POSITIVE_INFINITY;
  const ageMs = facts.wallMs - (checkpointMs ?? facts.wallMs);
  const mend = `look for "checkpoint failed" in the log of the primary, then hotspare checkpoint --pool ${pool}`;
  const minutes = Math.round(ageMs / 60_000);
  return [
    ...(broken === null
      ? []
      : [wrong(SUBJECT, `pool ${pool}: ${broken}`, "hotspare vault verify says what is damaged")]),
    ...(recordsSince > 0 && ageMs > 2 * limit
      ? [
          warning(
            SUBJECT,
            `pool ${pool}: the newest checkpoint is ${minutes} min old, ${recordsSince} records are after it`,
            mend,
          ),
        ]
      : []),
  ];
}

const poolText = ({ pool, recordsSince, checkpointMs }: PoolFiles): string =>
  `pool ${pool}: its journal is whole; ${recordsSince} records ${checkpointMs === null ? "and no checkpoint yet" : "since the newest checkpoint"}`;
