/** Two states that differ anywhere have different keys: else the checker would take one for the other and leave it out. */
import { describe, expect, it } from "vitest";
import { makeBatch, makeFence, type JournalRecord } from "./journal-record.ts";
import { planScope } from "./scope.ts";
import { SCOPES } from "./scopes.ts";
import { keyOf } from "./world-key.ts";
import { primary, withNode, type Publication, type Stage, type World } from "./world.ts";

const author = { name: "A", life: 1, attempts: 1 } as const;
const fence = makeFence(author, null);
const batch = makeBatch(author, fence, 1);
const listing = { names: 5, checkpoints: 3 };
const publication: Publication = { record: batch, step: "reading", found: fence };

const STAGES: readonly Stage[] = [
  { type: "down" },
  { type: "standby" },
  { type: "following", listing },
  { type: "verifying", verified: batch, listing },
  { type: "fencing", publication },
  { type: "confirming", fence, listing },
  { type: "catching up", fence },
  {
    ...primary(fence, true),
    publications: [publication],
    unanswered: [batch],
    read: { floor: 2, looks: [4], barrier: batch },
  },
  { type: "deposed", lost: batch },
];

const { initial } = planScope(SCOPES.cleaning);
const full: World = {
  ...withNode(initial, 1, { seen: fence, deleting: 2 }),
  vault: { ...initial.vault, late: [batch] },
  observer: { ...initial.observer, acknowledged: [batch], refused: [batch] },
};

describe("the key of a state", () => {
  it.each(STAGES)("changes with each field: $type", (stage) => {
    const world = withNode(full, 0, { stage });
    const changed = changes(world).filter(({ path }) => !path.endsWith(".type") && !path.endsWith(".name"));
    expect(changed.length).toBeGreaterThan(45);
    expect(changed.filter((change) => keyOf(change.world as World) === keyOf(world)).map(({ path }) => path)).toEqual(
      [],
    );
  });

  it("differs between stages", () => {
    const keys = STAGES.map((stage) => keyOf(withNode(full, 0, { stage })));
    expect(new Set(keys).size).toBe(STAGES.length);
  });
});

/** Fields that are a number or nothing; all others that may be nothing are a record. */
const NUMBERS: readonly string[] = ["deleting", "names", "checkpoints"];

/** `value` with one leaf changed, for each leaf; records are leaves. */
function changes(value: unknown, path = ""): readonly { readonly path: string; readonly world: unknown }[] {
  const other = changed(value, path.split(".").at(-1) ?? "");
  if (other !== undefined) return [{ path, world: other }];
  return Object.entries(value as object).flatMap(([name, part]: [string, unknown]) =>
    changes(part, `${path}.${name}`).map((change) => ({
      path: change.path,
      world: replaced(value, name, change.world),
    })),
  );
}

function replaced(value: unknown, name: string, part: unknown): unknown {
  return Array.isArray(value) ? value.with(Number(name), part) : { ...(value as object), [name]: part };
}

function changed(value: unknown, name: string): unknown {
  if (value === null) return NUMBERS.includes(name) ? 1 : batch;
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (value === "reading") return "syncing";
  if (typeof value === "string") return `${value}!`;
  return isRecord(value) ? makeBatch(author, value, 7) : undefined;
}

const isRecord = (value: unknown): value is JournalRecord =>
  typeof value === "object" && value !== null && "kind" in value;
