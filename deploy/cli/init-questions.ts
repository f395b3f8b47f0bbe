/** What `hotspare init` asks where there is no configuration yet: each with what is usual, and again after a wrong answer. */
import { clusterName, filePath, type Check } from "../../shared/config/checks.ts";
import { isLoopback, isWildcard, parseAddress } from "../../shared/config/parse-address.ts";
import { HotspareError } from "../../shared/errors.ts";
import { localClusterText, ON_THIS_MACHINE, usualPorts } from "./local-cluster.ts";

export interface Terminal {
  readonly ask: (question: string) => Promise<string>;
  readonly print: (text: string) => void;
}

interface Question<T> {
  readonly text: string;
  /** As somebody would write it. */
  readonly usual: string;
  readonly check: Check<T>;
}

/** Whoever is wrong as often as that is no person, or wants something else. */
const MOST_TRIES = 5;
const MOST_NODES = 10;

const nodes = (least: number): Check<number> => ({
  accepted: `a number from ${least} to ${MOST_NODES}`,
  parse: (raw) => {
    const count = typeof raw === "string" && /^\d{1,2}$/.test(raw) ? Number(raw) : Number.NaN;
    return count >= least && count <= MOST_NODES ? count : undefined;
  },
});

const machine: Check<string> = {
  accepted: "a name or an IP address, without a port, at which other machines reach this one",
  parse: (raw) => {
    const name = String(raw);
    const reached = parseAddress(`${name.includes(":") ? `[${name}]` : name}:1`);
    return reached === null || isWildcard(reached) ? undefined : reached.host;
  },
};

/** The text of the configuration to make. @throws {HotspareError} HS_USAGE after too many wrong answers. */
export async function askCluster(context: Terminal): Promise<string> {
  const { cluster: usualName, vault: usualVault, address: usualAddress } = ON_THIS_MACHINE;
  context.print("There is no configuration yet. An empty answer takes what is in brackets.");
  const cluster = await answer(context, { text: "Name of the cluster", usual: usualName, check: clusterName });
  const vault = await answer(context, {
    text: "Folder of the vault, which all hosts see",
    usual: usualVault,
    check: filePath,
  });
  const address = await answer(context, {
    text: "Address of this machine (one of loopback: the whole cluster is here)",
    usual: usualAddress,
    check: machine,
  });
  const alone = isLoopback(address);
  const hosts = await answer(context, { text: "Hosts on this machine", usual: alone ? "3" : "1", check: nodes(1) });
  const proxies = await answer(context, { text: "Proxies on this machine", usual: alone ? "2" : "1", check: nodes(0) });
  return localClusterText(usualPorts(proxies, hosts), { cluster, vault, address });
}

async function answer<T>({ ask, print }: Terminal, question: Question<T>): Promise<T> {
  const { text, usual, check } = question;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const given = (await ask(`${text} [${usual}]: `)).trim();
    const value = check.parse(given === "" ? usual : given);
    if (value !== undefined) return value;
    print(`found ${JSON.stringify(given)}, accepted is ${check.accepted}`);
  }
  throw new HotspareError("HS_USAGE", { reason: `${text}: no answer that is accepted; nothing was made` });
}
