/**
 * A state as a short text: two states with the same text are the same state. Written out by hand, since most of the time
 * of a run goes into it; a test changes every single field and looks whether the text changes.
 */
import type { JournalRecord } from "./journal-record.ts";
import type { Budget, Listing, Node, Observer, Publication, Stage, Vault, World } from "./world.ts";

const bytes = Buffer.alloc(1024);
let length = 0;

export function keyOf({ nodes, vault, observer, budget }: World): string {
  length = 0;
  addVault(vault);
  addObserver(observer);
  addBudget(budget);
  for (const node of nodes) addNode(node);
  if (length > bytes.length) throw new RangeError("a state is longer than its key may be");
  return bytes.toString("latin1", 0, length);
}

/** Numbers of slots, sets of slots, counts: all below 256. `null`: 255. */
function add(value: number | null): void {
  bytes[length] = value ?? 255;
  length += 1;
}

function addRecord(record: JournalRecord | null): void {
  const number = record?.number ?? 0;
  if (number > 0xff_ff) throw new RangeError("more records than a key can tell apart");
  add(number & 0xff);
  add(number >> 8);
}

function addRecords(records: readonly (JournalRecord | null)[]): void {
  add(records.length);
  for (const record of records) addRecord(record);
}

function addVault({ records, unsynced, checkpoints, eraNames, eraCheckpoints, late }: Vault): void {
  addRecords(records);
  add(unsynced);
  add(checkpoints);
  for (const moments of [eraNames, eraCheckpoints]) {
    add(moments.length);
    for (const set of moments) add(set);
  }
  addRecords(late);
}

function addObserver({ history, acknowledged, refused, staleRead, falseAlarm, reads, cleaned }: Observer): void {
  for (const records of [history, acknowledged, refused]) addRecords(records);
  add((falseAlarm ? 4 : 0) + (staleRead ? 2 : 0) + (cleaned ? 1 : 0));
  add(reads);
}

function addBudget(budget: Budget): void {
  add(budget.writes);
  add(budget.orders);
  add(budget.losses);
  add(budget.crashes);
  add(budget.releases);
  add(budget.checkpoints);
  add(budget.powerCuts);
  add(budget.reads);
  add(budget.eras);
}

function addNode({ name, life, attempts, applied, seen, deleting, stage }: Node): void {
  add(name.charCodeAt(0));
  add(life);
  add(attempts);
  addRecord(applied);
  addRecord(seen);
  add(deleting);
  addStage(stage);
}

const STAGES = [
  "down",
  "standby",
  "following",
  "verifying",
  "fencing",
  "confirming",
  "catching up",
  "primary",
  "deposed",
] as const satisfies readonly Stage["type"][];

function addStage(stage: Stage): void {
  add(STAGES.indexOf(stage.type));
  switch (stage.type) {
    case "down":
    case "standby":
      return;
    case "following":
      return addListing(stage.listing);
    case "verifying":
      addRecord(stage.verified);
      return addListing(stage.listing);
    case "fencing":
      return addPublication(stage.publication);
    case "confirming":
      addRecord(stage.fence);
      return addListing(stage.listing);
    case "catching up":
      return addRecord(stage.fence);
    case "primary":
      return addPrimary(stage);
    case "deposed":
      return addRecord(stage.lost);
  }
}

function addPrimary({ fence, publications, unanswered, read, lease }: Stage & { type: "primary" }): void {
  addRecord(fence);
  add(publications.length);
  for (const publication of publications) addPublication(publication);
  addRecords(unanswered);
  add(lease ? 1 : 0);
  add(read === null ? 0 : 1);
  if (read === null) return;
  add(read.floor);
  add(read.looks.length);
  for (const slot of read.looks) add(slot);
  addRecord(read.barrier);
}

function addListing({ names, checkpoints }: Listing): void {
  add(names);
  add(checkpoints);
}

const STEPS = ["putting", "linked", "reading", "syncing"] as const satisfies readonly Publication["step"][];

function addPublication({ record, step, found }: Publication): void {
  addRecord(record);
  add(STEPS.indexOf(step));
  addRecord(found);
}
