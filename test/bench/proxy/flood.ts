/** What bothers a proxy while ordinary clients use it. Each is a program of connections that cost their owner nearly nothing. */
import { join } from "node:path";
import { formatAddress, type Address } from "../../../shared/config/config.ts";
import type { Contender } from "./contender.ts";

export const FLOODS = ["slow-heads", "half-open", "idle"] as const;

export type Flood = (typeof FLOODS)[number];

/** Whom the floods are let loose on. */
export const FLOODED: readonly Contender[] = ["nginx", "haproxy", "hotspare-1", "hotspare-2"];

export interface FloodShape {
  readonly title: string;
  readonly connections: number;
}

export const FLOOD_SHAPES: Readonly<Record<Flood, FloodShape>> = {
  "slow-heads": {
    title: "400 clients that send a head byte by byte, ten a second, and never end it",
    connections: 400,
  },
  "half-open": {
    title:
      "300 clients that close their half, fall silent in a body or read nothing, each reset and replaced after 1 s",
    connections: 300,
  },
  idle: { title: "2000 connections that say nothing, each reset and replaced after 2 s", connections: 2000 },
};

/** Ordinary clients: 16 keep their connection, 4 connect anew for each request. */
export const ORDINARY = { kept: 16, fresh: 4, requestsPerSecond: 500, path: "/1k", answerBytes: 1024 } as const;

export const floodCommand = (flood: Flood, address: Address): readonly string[] => [
  process.execPath,
  join(import.meta.dirname, "attack-main.ts"),
  flood,
  formatAddress(address),
];

export const ordinaryCommand = (address: Address, seconds: number): readonly string[] => [
  process.execPath,
  join(import.meta.dirname, "ordinary-load-main.ts"),
  formatAddress(address),
  String(seconds),
];

/** What the program of a flood prints when it is told to end. */
export interface AttackFigures {
  /** Connections that stood when it was told to end. */
  readonly standing: number;
  /** Connections that were made in all. */
  readonly opened: number;
}
