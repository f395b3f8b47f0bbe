/**
 * What gossip costs, and how fast proxies agree, as the cluster grows: the production cores of 3 to 300 proxies in virtual
 * time, each message 0.5 to 2 ms on its way, some of them lost. Prints per proxy and round the messages that it sends and
 * their bytes (bodies, as JSON), and the times until one proxy's news has reached a majority and all, until a majority
 * that saw a primary die within 50 ms knows so of one another, and until all hold a dead proxy for suspect.
 *
 *     node test/bench/gossip.ts [--sizes 3,5,10,30,100,300] [--rounds 40] [--lost 0.01]
 */
import { parseArgs } from "node:util";
import { parseNodeId, type NodeId } from "../../shared/ids.ts";
import { peerStateOf } from "../../proxy/core/gossip.ts";
import { answerDigest } from "../../proxy/core/gossip-sending.ts";
import { gossipRules } from "../../proxy/core/gossip-state.ts";
import type { Content } from "../../proxy/core/observation.ts";
import { GossipWorld, type Sent } from "../proxy/core/gossip-world.ts";
import { Dice } from "../simulation/dice.ts";
import { plainTable } from "../../deploy/cli/plain-table.ts";
import { TUNING } from "../tuning.ts";

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "3,5,10,30,100,300" },
    rounds: { type: "string", default: "40" },
    lost: { type: "string", default: "0.01" },
  },
});

const HOSTS = ["host-a", "host-b", "host-c"];
const DETECTION_MS = 50;
const LIMIT_MS = 600_000;
/** Times are known to this. */
const GRAIN_MS = 0.5;

class Network {
  readonly world: GossipWorld;
  readonly #dice: Dice;
  readonly #lost: number;
  readonly #dead = new Set<NodeId>();
  readonly #queue: { atMs: number; run: () => void }[] = [];
  messages = 0;
  bytes = 0;

  constructor(size: number, lost: number) {
    const proxies = Array.from({ length: size }, (_, index) => parseNodeId(`proxy-${index + 1}`));
    this.world = new GossipWorld(proxies, gossipRules({ ...TUNING, proxies }));
    this.#dice = new Dice(size);
    this.#lost = lost;
    for (const proxy of proxies) {
      this.world.saw(proxy, contentOf("up"));
      this.at(this.#dice.between(0, this.world.rules.intervalMs), () => this.#beat(proxy));
    }
    this.#flush();
  }

  get proxies(): readonly NodeId[] {
    return this.world.proxies.filter((proxy) => !this.#dead.has(proxy));
  }

  kill(proxy: NodeId): void {
    this.#dead.add(proxy);
  }

  at(delayMs: number, run: () => void): void {
    const atMs = this.world.nowMs + delayMs;
    let low = 0;
    for (let high = this.#queue.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.#queue[middle]!.atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, { atMs, run });
  }

  /** Until `done`; the time that took, in milliseconds. */
  until(done: () => boolean): number {
    const startMs = this.world.nowMs;
    let askedMs = Number.NEGATIVE_INFINITY;
    for (;;) {
      if (this.world.nowMs - askedMs >= GRAIN_MS) {
        if (done()) break;
        askedMs = this.world.nowMs;
      }
      const next = this.#queue.shift();
      if (!next || next.atMs - startMs > LIMIT_MS) return Number.NaN;
      this.world.nowMs = next.atMs;
      next.run();
      this.#flush();
    }
    return this.world.nowMs - startMs;
  }

  saw(proxy: NodeId, verdict: "up" | "down"): void {
    this.world.saw(proxy, contentOf(verdict));
    this.#flush();
  }

  #beat(proxy: NodeId): void {
    if (this.#dead.has(proxy)) return;
    this.world.tell(proxy, { type: "tick" });
    this.at(this.world.rules.intervalMs, () => this.#beat(proxy));
  }

  #flush(): void {
    for (const sent of this.world.sent.splice(0)) this.#send(sent);
  }

  #send(sent: Sent): void {
    const { from, peer, observations, digest } = sent;
    this.messages += 1;
    this.bytes += JSON.stringify({ observations, digest }).length;
    const isLost = this.#dead.has(peer) || this.#dice.chance(this.#lost);
    if (isLost) return this.at(TUNING.health.timeoutMs, () => this.#alive(from, () => this.world.lose(sent)));
    this.at(this.#delay(), () =>
      this.#alive(peer, () => {
        this.world.tell(peer, { type: "heard", from, observations, digest });
        const answer = answerDigest(this.world.state(peer), digest, from);
        this.messages += 1;
        this.bytes += JSON.stringify(answer).length;
        this.at(this.#delay(), () =>
          this.#alive(from, () => this.world.tell(from, { type: "answered", peer, ...answer })),
        );
      }),
    );
  }

  #alive(proxy: NodeId, run: () => void): void {
    if (!this.#dead.has(proxy)) run();
  }

  #delay(): number {
    return this.#dice.between(0.5, 2);
  }
}

function contentOf(verdict: "up" | "down"): Content {
  const fence = {
    slot: 1,
    id: "1".repeat(32),
    hash: "2".repeat(64),
    epoch: 1,
    owner: "host-a",
    bootId: "3".repeat(32),
  };
  const opinion = verdict === "up" ? "well" : "lost";
  return {
    hosts: HOSTS.map((host) => ({ host, verdict, reason: null })),
    pools: [{ pool: "main", fence, epoch: 1, primary: "host-a", opinion, cause: null, seenAtMs: null, ordered: null }],
    clocks: HOSTS.map((node) => ({ node, offsetMs: 0.25, errorMs: 0.5 })),
    quarantined: null,
    program: "0.1.0",
    configHash: "4".repeat(64),
    keys: ["5".repeat(16)],
  };
}

/** The share of living proxies that hold `origin`'s news. */
function reached({ world, proxies }: Network, origin: NodeId): number {
  const told = proxies.filter((proxy) => world.state(proxy).known.get(origin)?.content?.hosts[0]?.verdict === "down");
  return told.length / proxies.length;
}

/** The greatest share of votes for it that any proxy has counted. */
function counted({ world, proxies }: Network): number {
  const votes = proxies.map(
    (proxy) =>
      [...world.state(proxy).known.values()].filter(({ content }) => content?.pools[0]?.opinion === "lost").length,
  );
  return Math.max(...votes) / proxies.length;
}

function measure(size: number): (string | number)[] {
  const warm = (network: Network): Network => {
    const endMs = network.world.nowMs + 20 * network.world.rules.intervalMs;
    network.until(() => network.world.nowMs >= endMs);
    return network;
  };
  const network = warm(new Network(size, Number(values.lost)));
  const [messages, bytes] = [network.messages, network.bytes];
  const rounds = Number(values.rounds);
  const endMs = network.world.nowMs + rounds * network.world.rules.intervalMs;
  network.until(() => network.world.nowMs >= endMs);
  const perRound = (total: number): number => total / size / rounds;
  const idle = [perRound(network.messages - messages), perRound(network.bytes - bytes)] as const;
  const origin = network.proxies[0]!;
  network.saw(origin, "down");
  const majorityMs = network.until(() => reached(network, origin) > 0.5);
  const allMs = majorityMs + network.until(() => reached(network, origin) === 1);
  const fresh = warm(new Network(size, Number(values.lost)));
  const dice = new Dice(size);
  for (const proxy of fresh.proxies) fresh.at(dice.between(0, DETECTION_MS), () => fresh.saw(proxy, "down"));
  const agreeMs = fresh.until(() => counted(fresh) > 0.5);
  const victim = fresh.proxies.at(-1)!;
  fresh.kill(victim);
  const suspectMs = fresh.until(() =>
    fresh.proxies.every(
      (proxy) => peerStateOf(fresh.world.state(proxy), victim, fresh.world.nowMs, fresh.world.rules) !== "alive",
    ),
  );
  const round = (figure: number): string => figure.toFixed(figure < 10 ? 1 : 0);
  return [size, round(idle[0]), round(idle[1]), ...[majorityMs, allMs, agreeMs, suspectMs].map(round)];
}

const sizes = values.sizes.split(",").map(Number);
const heads = ["proxies", "messages/round", "bytes/round", "majority ms", "all ms", "agreed ms", "suspect ms"];
console.log(plainTable(heads, sizes.map(measure)));
