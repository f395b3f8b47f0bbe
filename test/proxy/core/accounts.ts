/** Accounts of what proxies see, for tests: an origin writes each of its versions once. */
import fc from "fast-check";
import { parseNodeId, type NodeId } from "../../../shared/ids.ts";
import type { Observation } from "../../../shared/wire/messages.ts";
import type { Content } from "../../../proxy/core/observation.ts";
import { hex } from "../fake-host.ts";

export const ORIGINS: readonly NodeId[] = ["proxy-1", "proxy-2", "proxy-3"].map(parseNodeId);

export const content = (more: Partial<Content> = {}): Content => ({
  hosts: [],
  pools: [],
  clocks: [],
  quarantined: null,
  program: "1",
  configHash: "c",
  keys: [],
  ...more,
});

/** Its content follows from its version: nobody else writes it, and the origin writes it once. */
export function account(origin: NodeId, life: number, version: number, more: Partial<Observation> = {}): Observation {
  const told = content({ program: `${origin} ${life} ${version}` });
  return { origin, incarnation: Math.ceil(life / 2), bootId: hex(life), version, beat: 0, content: told, ...more };
}

/** Any account of `origin`; some forgotten. */
export const accounts = (origin: NodeId): fc.Arbitrary<Observation> =>
  fc
    .record({
      life: fc.integer({ min: 1, max: 4 }),
      version: fc.integer({ min: 0, max: 4 }),
      beat: fc.integer({ min: 0, max: 4 }),
      forgotten: fc.boolean(),
    })
    .map(({ life, version, beat, forgotten }) =>
      account(origin, life, version, { beat, ...(forgotten ? { content: null } : {}) }),
    );
