/**
 * Records as the model has them: what they say and what they follow. The same contents are the same object, which stands
 * for the random id and for the hash at once; so a record stands for the whole chain that ends at it.
 */
export type NodeName = "A" | "B" | "C";

export interface JournalRecord {
  /** Given in the order in which records were first thought of; only for the encoding of states. */
  readonly number: number;
  readonly kind: "batch" | "fence" | "release";
  readonly slot: number;
  readonly epoch: number;
  readonly owner: NodeName;
  /** Stands for the boot id: how often the owner had started. */
  readonly life: number;
  /** Of a fence: which try of its owner's. Each has an id of its own. */
  readonly attempt: number;
  /** The client's write that a batch holds; 0: none. */
  readonly write: number;
  readonly previous: JournalRecord | null;
  /** States are encoded as text; a record is its number there. */
  readonly toJSON: () => number;
}

type Contents = Omit<JournalRecord, "number" | "slot" | "toJSON">;

const known = new Map<string, JournalRecord>();

interface Author {
  readonly name: NodeName;
  readonly life: number;
  readonly attempts: number;
}

/** The first record of a pool, or a fence behind `previous`. */
export function makeFence({ name, life, attempts }: Author, previous: JournalRecord | null): JournalRecord {
  const epoch = (previous?.epoch ?? 0) + 1;
  return intern({ kind: "fence", epoch, owner: name, life, attempt: attempts, write: 0, previous });
}

export function makeBatch({ name, life }: Author, previous: JournalRecord, write: number): JournalRecord {
  return intern({ kind: "batch", epoch: previous.epoch, owner: name, life, attempt: 0, write, previous });
}

export function makeRelease({ name, life }: Author, previous: JournalRecord): JournalRecord {
  return intern({ kind: "release", epoch: previous.epoch, owner: name, life, attempt: 0, write: 0, previous });
}

function intern(contents: Contents): JournalRecord {
  const { kind, epoch, owner, life, attempt, write, previous } = contents;
  const key = `${kind} ${epoch} ${owner} ${life} ${attempt} ${write} ${previous?.number}`;
  const same = known.get(key);
  if (same) return same;
  const number = known.size + 1;
  const made = { ...contents, number, slot: (previous?.slot ?? 0) + 1, toJSON: () => number };
  known.set(key, made);
  return made;
}

/** The newest fence: the last one on the chain that ends here. */
export function newestFence(record: JournalRecord): JournalRecord {
  let at = record;
  while (at.kind !== "fence" && at.previous !== null) at = at.previous;
  return at;
}

/** Whether a write took effect on the way to this record. */
export function holdsWrite(record: JournalRecord | null, write: number): boolean {
  for (let at = record; at !== null; at = at.previous) if (at.write === write) return true;
  return false;
}

/** The chain rule: whether `record` may follow `head`. */
export function follows(head: JournalRecord | null, record: JournalRecord): boolean {
  if (record.previous !== head) return false;
  if (record.kind === "fence" || head === null) return true;
  const fence = newestFence(head);
  return record.epoch === fence.epoch && record.owner === fence.owner && record.life === fence.life;
}

export function describe({ kind, slot, epoch, owner, write }: JournalRecord): string {
  if (kind === "fence") return `${owner}'s fence of epoch ${epoch} at ${slot}`;
  if (kind === "release") return `${owner}'s release at ${slot}`;
  return write === 0 ? `${owner}'s empty batch at ${slot}` : `${owner}'s batch with write ${write} at ${slot}`;
}
