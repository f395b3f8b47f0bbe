/** The production proxy over simulated sockets, with two small hosts behind it and one client before it; all in virtual time. */
import { pino } from "pino";
import type { Address, Config } from "../../shared/config/config.ts";
import { parseNodeId } from "../../shared/ids.ts";
import { DialingAgent } from "../../shared/dialing-agent.ts";
import { sameSockets } from "../../shared/sockets.ts";
import { startProxy } from "../../proxy/proxy.ts";
import type { RunningProxy } from "../../proxy/running-proxy.ts";
import { FakeHost } from "../proxy/fake-host.ts";
import { FakeTransport } from "../proxy/fake-transport.ts";
import { poolConfig } from "../proxy/relay/plane.ts";
import { configOf, NO_INBOX } from "../proxy/running.ts";
import { Dice } from "./dice.ts";
import { ask, type SimAnswer, type SimRequest } from "./sim-http.ts";
import type { NetMachine } from "./net-machine.ts";
import { SimNet } from "./sim-sockets.ts";
import type { LinkPolicy } from "./sim-wire.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface Proxied {
  readonly time: VirtualTime;
  readonly net: SimNet;
  readonly proxy: RunningProxy;
  readonly hosts: readonly [FakeHost, FakeHost];
  /** What happened, and when in virtual time: the log, and what a test adds. */
  readonly events: string[];
  readonly event: (what: string) => void;
  readonly ask: (more?: Partial<SimRequest>) => Promise<SimAnswer>;
}

const LISTEN: Address = { host: "10.0.0.1", port: 8080 };

/** `stateOf` is the links' state; open, if it is not given. */
export async function startProxied(seed: number, stateOf: LinkPolicy["state"] = () => "open"): Promise<Proxied> {
  const dice = new Dice(seed);
  const time = new VirtualTime(dice);
  const net = new SimNet({
    after: (delayMs, run) => time.after(delayMs, run),
    random: () => dice.next(),
    link: { delayMs: () => dice.between(0.05, 1), state: stateOf },
  });
  const events: string[] = [];
  const event = (what: string): void => void events.push(`${time.nowMs.toFixed(3)} ${what}`);
  const hosts = [new FakeHost("host-a", 1), new FakeHost("host-b", 2)] as const;
  await Promise.all(
    hosts.map((host) => net.machine(host.id, hostAt(host)).sockets().listen(host.server, hostAt(host), "")),
  );
  const proxy = await startOver(net.machine("proxy-1", LISTEN), { time, dice, hosts, event });
  const agent = new DialingAgent(net.machine("client", { host: "10.0.0.9" }).sockets(), { keepAlive: true });
  const send: Proxied["ask"] = (more) => ask({ agent, address: LISTEN, ...more });
  return { time, net, proxy, hosts, events, event, ask: send };
}

interface Parts extends Pick<Proxied, "time" | "hosts" | "event"> {
  readonly dice: Dice;
}

async function startOver(machine: NetMachine, { time, dice, hosts, event }: Parts): Promise<RunningProxy> {
  const { clock } = time;
  const config = await configFor(hosts);
  const starting = startProxy({
    config,
    id: parseNodeId(machine.id),
    clock,
    random: { bytes: (count) => Buffer.from(Array.from({ length: count }, () => dice.whole(0, 255))) },
    sockets: sameSockets(machine.sockets()),
    log: pino({ base: null, timestamp: false }, { write: (line: string) => event(line.trim()) }),
    connect: () => new FakeTransport(hosts, clock),
    ...NO_INBOX,
  });
  return time.until(starting);
}

async function configFor(hosts: readonly FakeHost[]): Promise<Config> {
  const base = await configOf([]);
  const admin = { host: "127.0.0.1", port: 9090 };
  return {
    ...base,
    proxies: base.proxies.map((proxy) => ({ ...proxy, listen: LISTEN, admin })),
    pools: [poolConfig({ preferred: hosts.map(({ id }) => id) })],
    hosts: hosts.map((host) => ({
      id: host.id,
      listen: hostAt(host),
      control: hostAt(host),
      advertise: hostAt(host),
      data: "/none",
      mode: "restore",
      candidate: true,
      vault: null,
    })),
  };
}

const hostAt = ({ id }: FakeHost): Address => ({ host: `${id}.test`, port: 7000 });
