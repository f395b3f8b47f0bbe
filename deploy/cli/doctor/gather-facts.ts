/** Asks everybody and looks at everything that the doctor judges. Bounded in time; what cannot be looked at is a fact too. */
import { statSync } from "node:fs";
import {
  TLS_SECTIONS,
  type Address,
  type Config,
  type HostConfig,
  type ProxyConfig,
  type TlsSection,
} from "../../../shared/config/config.ts";
import { effectiveConfig } from "../../../shared/config/effective-config.ts";
import { readSecretEntries } from "../../../shared/config/read-secret.ts";
import { reasonOf } from "../../../shared/errors.ts";
import { programVersion } from "../../../shared/program-version.ts";
import { NO_DECISIONS } from "../../../shared/revisions/decisions.ts";
import { systemSockets, type NodeSockets } from "../../../shared/sockets.ts";
import { tlsConcerns } from "../../../shared/tls/tls-concerns.ts";
import { readTlsMaterial } from "../../../shared/tls/tls-material.ts";
import { Type } from "typebox";
import { dataProbe } from "../../../proxy/data-probe.ts";
import { askJson } from "../ask-json.ts";
import { ClusterLink, type ClusterWord, type HostWord } from "../cluster-link.ts";
import { clusterStatus, type ClusterStatus } from "../cluster-status.ts";
import type { CommandContext } from "../command.ts";
import { openCommandNetworks } from "../command-networks.ts";
import { ownNodes, thisMachine } from "../own-nodes.ts";
import type { Facts, HostFacts, ProxyFacts, SecretFacts, TlsFacts } from "./facts.ts";
import { lookAtVault } from "./vault-look.ts";

type Sockets = Pick<NodeSockets, "admin" | "control">;

const TIMEOUT_MS = 2000;
const Probe = Type.Object({ host: Type.String(), version: Type.String() });

/** Never throws for what is wrong with the cluster. `file`: the copy of this machine, which may still have who was removed. */
export async function gatherFacts(file: Config, context: CommandContext): Promise<Facts> {
  const own = await ownNodes(file, thisMachine(context.clock));
  const tls = await Promise.all(TLS_SECTIONS.flatMap((section) => tlsFacts(file, section, context) ?? []));
  const network = await openNetwork(file, context);
  const [status, { word, refused }] = await Promise.all([statusOf(file, network, context), wordOf(file, context)]);
  const config = effectiveConfig(file, word.decisions);
  const isIn = (id: string): boolean => !word.decisions.removed.includes(id);
  const asked = word.hosts.filter(({ host }) => isIn(host.id));
  const [hosts, proxies] = await Promise.all([
    Promise.all(asked.map((one) => hostFacts(one, network, context))),
    Promise.all([...refused].filter(([{ id }]) => isIn(id)).map(([proxy, why]) => proxyFacts(proxy, why, context))),
  ]);
  const vault = await lookAtVault(config, { own, hosts: asked }, context);
  return {
    config,
    wallMs: context.clock.wallMs(),
    own,
    version: programVersion(),
    runtime: process.versions.node,
    status,
    hosts,
    proxies,
    decisions: word.decisions,
    secret: secretFacts(file, context),
    tls,
    vault,
  };
}

/** `null`: certificates cannot be used, which is told by what is wrong with them. */
async function openNetwork(config: Config, context: CommandContext): Promise<Sockets | null> {
  try {
    return (await openCommandNetworks(config, ["admin", "control"], context)).sockets;
  } catch {
    return null;
  }
}

async function statusOf(config: Config, sockets: Sockets | null, { clock }: CommandContext): Promise<ClusterStatus> {
  if (sockets !== null) return await clusterStatus(config, { sockets, clock });
  const { cluster, hash: configHash } = config;
  const nothing = { pools: [], hosts: [], proxies: [], clockReference: null, clockDispute: null, maintenance: null };
  return { cluster, configHash, ...nothing, source: "nobody" };
}

interface Word {
  readonly word: ClusterWord;
  /** Why a proxy takes no message from here; `null`: it does. */
  readonly refused: ReadonlyMap<ProxyConfig, string | null>;
}

async function wordOf(config: Config, context: CommandContext): Promise<Word> {
  try {
    const link = await ClusterLink.open(config, context);
    const greeted = Promise.all(config.proxies.map(async (proxy) => [proxy, await link.greet(proxy)] as const));
    const asked = Promise.all([link.ask(), greeted]).finally(() => link.close());
    return await asked.then(([word, answers]) => ({ word, refused: new Map(answers) }));
  } catch (error) {
    const reason = reasonOf(error);
    const hosts = config.hosts.map((host) => ({ host, report: null, reason }));
    return {
      word: { hosts, decisions: NO_DECISIONS },
      refused: new Map(config.proxies.map((proxy) => [proxy, reason])),
    };
  }
}

async function hostFacts(word: HostWord, sockets: Sockets | null, context: CommandContext): Promise<HostFacts> {
  const { host, report, reason } = word;
  const clock = word.report === null ? null : word.clock;
  const stranger = report === null && sockets !== null ? await strangerAt(host, sockets, context) : null;
  return { host, report, clock, reason, stranger, unreached: await reach(host.advertise, context) };
}

async function strangerAt({ id, control: address }: HostConfig, { control }: Sockets, { clock }: CommandContext) {
  const answer = await askJson({ address, path: "/live", sockets: control, clock, timeoutMs: TIMEOUT_MS }, Probe);
  if (answer.body === null) return answer.answered ? "something answers that is no host" : null;
  return answer.body.host === id ? `${id} answers, but takes no signed message` : `${answer.body.host} answers`;
}

async function proxyFacts(proxy: ProxyConfig, refused: string | null, context: CommandContext): Promise<ProxyFacts> {
  return { proxy, refused, unreached: await reach(proxy.advertise, context) };
}

function reach(address: Address, { clock }: CommandContext): Promise<string | null> {
  const { signal } = new AbortController();
  return dataProbe(address, { clock, sockets: systemSockets, timeoutMs: TIMEOUT_MS, signal });
}

function secretFacts({ secret }: Config, { env }: CommandContext): SecretFacts {
  const isFile = "file" in secret;
  const source = isFile ? secret.file : secret.env;
  try {
    return { source, isFile, trouble: null, keys: readSecretEntries(secret, env).length };
  } catch (error) {
    return { source, isFile, trouble: reasonOf(error), keys: 0 };
  }
}

/** `null`: there is no TLS in that section. */
function tlsFacts({ tls }: Config, section: TlsSection, { clock }: CommandContext): Promise<TlsFacts> | null {
  const files = tls[section];
  if (files === null) return null;
  return readTlsMaterial(section, files)
    .then((material) => ({
      section,
      trouble: null,
      concerns: tlsConcerns(material, clock.wallMs()),
      openKey: openKey(files.key),
    }))
    .catch((error: unknown) => ({ section, trouble: reasonOf(error), concerns: [], openKey: null }));
}

/** A group may be how several users of one machine share it; all others are not. */
const openKey = (file: string): string | null => ((statSync(file).mode & 0o007) === 0 ? null : file);
