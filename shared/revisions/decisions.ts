/**
 * What operations have decided beyond the configuration file: who is taken out, who has left or joined, whether there is
 * maintenance. The sum of all revisions so far; each revision holds it whole, so that the newest one alone is enough.
 *
 * Pure. Wall time is in it only for people, and for the end of a maintenance, on which no safety rests.
 */
import { Type, type Static } from "typebox";
import { registeredNode } from "../config/registered-node.ts";
import { HotspareError } from "../errors.ts";
import { NodeRegistration } from "./node-registration.ts";

const Id = Type.String({ minLength: 1, maxLength: 63 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Text = Type.String({ maxLength: 256 });
const WallMs = Type.Number({ minimum: 0 });

/** Who decided, when by its own wall clock, and why. */
const Decided = { by: Text, atMs: WallMs, reason: Text };

const OfflineNode = Type.Object({
  node: Id,
  ...Decided,
  /** Also if nobody could serve what it serves. */
  last: Type.Boolean(),
});

const Maintenance = Type.Object({
  ...Decided,
  /** When it ends by itself; `null`: not before somebody ends it. */
  untilMs: Type.Union([WallMs, Type.Null()]),
});

/** As many nodes as can be out, or can have left, at once; far more than a cluster has. */
const MAX_NODES = 512;

export const Decisions = Type.Object({
  /** Number of the revision; 0: none was ever made. */
  revision: Count,
  offline: Type.Array(OfflineNode, { maxItems: MAX_NODES }),
  /** Nodes that are not part of the cluster any more, whatever a copy of the file still says. The last ones. */
  removed: Type.Array(Id, { maxItems: MAX_NODES }),
  /** Nodes that are part of the cluster, even if a copy of the file does not have them yet. */
  added: Type.Array(NodeRegistration, { maxItems: MAX_NODES }),
  maintenance: Type.Union([Maintenance, Type.Null()]),
});

/** One thing that an operation wants. */
export const Change = Type.Union([
  Type.Object({ type: Type.Literal("offline"), node: Id, last: Type.Boolean() }),
  Type.Object({ type: Type.Literal("online"), node: Id }),
  Type.Object({ type: Type.Literal("remove"), node: Id }),
  Type.Object({ type: Type.Literal("add"), node: NodeRegistration }),
  Type.Object({ type: Type.Literal("maintenance-on"), untilMs: Type.Union([WallMs, Type.Null()]) }),
  Type.Object({ type: Type.Literal("maintenance-off") }),
]);

export type Decisions = Static<typeof Decisions>;
export type Change = Static<typeof Change>;
export type OfflineNode = Static<typeof OfflineNode>;
export type Maintenance = Static<typeof Maintenance>;
export interface Decided {
  readonly by: string;
  readonly atMs: number;
  readonly reason: string;
}

export const NO_DECISIONS: Decisions = { revision: 0, offline: [], removed: [], added: [], maintenance: null };

/**
 * What holds after `change`; `null`: it holds already, so that every operation may be done twice.
 * @throws {HotspareError} HS_DECISION_REFUSED if it cannot be.
 */
export function decide(before: Decisions, change: Change, decided: Decided): Decisions | null {
  const after = changed(before, change, decided);
  return after === null ? null : { ...after, revision: before.revision + 1 };
}

function changed(before: Decisions, change: Change, decided: Decided): Omit<Decisions, "revision"> | null {
  switch (change.type) {
    case "offline":
      refuseRemoved(before, change.node);
      return takeOut(before, change, decided);
    case "online":
      refuseRemoved(before, change.node);
      return offlineOf(before, change.node) ? { ...before, offline: without(before.offline, change.node) } : null;
    case "remove":
      return remove(before, change.node);
    case "add":
      return add(before, change.node);
    case "maintenance-on":
      return { ...before, maintenance: { ...decided, untilMs: change.untilMs } };
    case "maintenance-off":
      return before.maintenance === null ? null : { ...before, maintenance: null };
  }
}

function refuseRemoved({ removed }: Decisions, node: string): void {
  if (removed.includes(node)) throw refused(`${node} was removed from the cluster`);
}

type TakeOut = Extract<Change, { type: "offline" }>;

/** Who is being taken out may still be told that it may be the last. */
function takeOut(before: Decisions, { node, last }: TakeOut, decided: Decided): Decisions | null {
  const known = offlineOf(before, node);
  if (known !== null && (known.last || !last)) return null;
  if (known === null && before.offline.length >= MAX_NODES) throw refused(`${MAX_NODES} nodes are offline already`);
  return { ...before, offline: [...without(before.offline, node), { node, ...decided, last }] };
}

function remove(before: Decisions, node: string): Decisions | null {
  if (before.removed.includes(node)) return null;
  if (!offlineOf(before, node)) throw refused(`${node} is part of the cluster; take it offline first`);
  return {
    ...before,
    offline: without(before.offline, node),
    added: before.added.filter(({ id }) => id !== node),
    removed: [...before.removed, node].slice(-MAX_NODES),
  };
}

function add(before: Decisions, node: NodeRegistration): Decisions | null {
  const known = before.added.find(({ id }) => id === node.id);
  if (known && JSON.stringify(known) === JSON.stringify(node)) return null;
  if (known) throw refused(`${node.id} is registered already, with other addresses; remove it first`);
  if (registeredNode(node, "/") === null)
    throw refused(`${node.id} has an id, address or path that no file could have`);
  if (before.added.length >= MAX_NODES) throw refused(`${MAX_NODES} nodes were added already`);
  return {
    ...before,
    added: [...before.added, node],
    removed: before.removed.filter((id) => id !== node.id),
  };
}

/** Why a node is out; `null` if it is not. */
export const offlineOf = ({ offline }: Decisions, node: string): OfflineNode | null =>
  offline.find((entry) => entry.node === node) ?? null;

/** As people read it wherever the node is refused. */
const offlineText = ({ by, reason }: OfflineNode): string =>
  `taken offline by ${by}${reason === "" ? "" : `: ${reason}`}`;

/** Why a node has no part in anything: taken offline, or removed for good. `null`: it has. */
export function exclusionOf(decisions: Decisions, node: string): string | null {
  if (decisions.removed.includes(node)) return "removed from the cluster";
  const offline = offlineOf(decisions, node);
  return offline && offlineText(offline);
}

/** All that have no part in anything. */
export const excludedNodes = ({ offline, removed }: Decisions): readonly string[] => [
  ...removed,
  ...offline.map(({ node }) => node),
];

/** The maintenance that holds at a moment of the wall clock; `null`: none. */
export const maintenanceAt = ({ maintenance }: Decisions, wallMs: number): Maintenance | null =>
  maintenance !== null && (maintenance.untilMs === null || wallMs < maintenance.untilMs) ? maintenance : null;

/** The later of two: revisions are one line, and never go back. */
export const newer = (one: Decisions, other: Decisions): Decisions => (other.revision > one.revision ? other : one);

const without = (offline: readonly OfflineNode[], node: string): OfflineNode[] =>
  offline.filter((entry) => entry.node !== node);

const refused = (reason: string): HotspareError => new HotspareError("HS_DECISION_REFUSED", { reason });
