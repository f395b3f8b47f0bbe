/** Which fault comes next: by chance, from a seed, and so that every kind that the run may use has its turn. */
import type { Dice } from "../simulation/dice.ts";
import type { Cut, Fault, FaultKind, Target, Way } from "./fault.ts";

type Choose = (dice: Dice) => Fault;

const HOSTS_AND_PROXIES: readonly Target[] = [
  "primary",
  "primary",
  "standby",
  "proxy",
  "primary and standby",
  "primary and proxy",
];
const CUTS: readonly Cut[] = [
  "primary from proxies",
  "primary from one proxy",
  "standby from all",
  "proxy from hosts",
  "primary from all",
];
const WAYS: readonly Way[] = ["both", "both", "in", "out"];
const HOUR_S = 3600;

const CHOICES: Readonly<Record<FaultKind, readonly Choose[]>> = {
  kill: [
    (dice) => ({ type: "kill", target: dice.pick(HOSTS_AND_PROXIES), forMs: dice.spread(100, 3000) }),
    (dice) => ({ type: "kill", target: dice.pick(HOSTS_AND_PROXIES), forMs: dice.spread(100, 3000) }),
    (dice) => ({ type: "kill", target: dice.pick(["all hosts", "everything"]), forMs: dice.spread(50, 1000) }),
    (dice) => ({ type: "kill taker", afterMs: dice.spread(1, 300), forMs: dice.spread(100, 2000) }),
  ],
  pause: [
    (dice) => ({ type: "pause", target: dice.pick(HOSTS_AND_PROXIES), forMs: dice.spread(200, 6000) }),
    (dice) => ({
      type: "pause",
      target: dice.pick([...HOSTS_AND_PROXIES, "all hosts"]),
      forMs: dice.spread(200, 6000),
    }),
  ],
  restart: [
    (dice) => ({ type: "stop", target: dice.pick(["primary", "standby", "proxy"]), forMs: dice.spread(10, 1000) }),
  ],
  data: [(dice) => ({ type: "lose data", forMs: dice.spread(10, 2000) })],
  network: [
    (dice) => ({ type: "cut", cut: dice.pick(CUTS), way: dice.pick(WAYS), forMs: dice.spread(500, 5000) }),
    (dice) => ({ type: "cut", cut: dice.pick(CUTS), way: dice.pick(WAYS), forMs: dice.spread(500, 5000) }),
    (dice) => ({ type: "cut catching up", forMs: dice.spread(500, 3000) }),
    (dice) => ({
      type: "lose packets",
      target: dice.pick(["primary", "proxy"]),
      percent: dice.pick([5, 30]),
      forMs: dice.spread(1000, 5000),
    }),
    (dice) => ({ type: "slow network", target: dice.pick(["primary", "proxy"]), forMs: dice.spread(1000, 5000) }),
  ],
  clock: [
    (dice) => ({
      type: "clock",
      target: dice.pick(["primary", "standby", "proxy", "everything"]),
      byS: dice.pick([HOUR_S, -HOUR_S]),
      forMs: dice.spread(1500, 5000),
    }),
    (dice) => ({ type: "summer time", forMs: dice.between(4000, 5000) }),
  ],
};

export function chooseFault(dice: Dice, kinds: readonly FaultKind[]): Fault {
  return dice.pick(CHOICES[dice.pick(kinds)])(dice);
}
