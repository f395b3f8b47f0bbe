/** One takeover for people: what is known of it, and who saw and did what when. */
import type { Vote } from "../../shared/journal/record.ts";
import { plainTable, type Cell } from "./plain-table.ts";
import { printable } from "./printable.ts";
import { beforeOrderMs, type Takeover } from "./vault/takeover-history.ts";
import { clockText, wallText } from "./wall-text.ts";

/** Of the clock of `who`; milliseconds since the first sign, which no clock that was set can change. */
type Moment = readonly [time: Cell, ms: Cell, who: string, what: string];

/** Beyond that the time of day alone would mislead. */
const SAME_DAY_MS = 12 * 3_600_000;

export function takeoverText(takeover: Takeover): string {
  const { epoch, owner, slot, id, bootId, wallMs, schema, isVoid } = takeover;
  const facts = [
    ["when", wallText(wallMs)],
    ["why", whyText(takeover)],
    ["deposed", deposedText(takeover)],
    ["fence", `slot ${slot}, id ${id}, boot ${bootId}`],
    ["schema", schema.join(", ") || "none"],
    ...receiptFacts(takeover),
  ];
  const lines = facts.map(([name = "", text = ""]) => `  ${name.padEnd(8)} ${printable(text)}`);
  const head = `epoch ${epoch}: ${owner}${isVoid ? ", void: nothing in it was acknowledged" : ""}`;
  const timeline = plainTable(["time", "ms", "who", "what"], momentsOf(takeover));
  return [head, ...lines, "", timeline].join("\n");
}

export function whyText({ reason, orderedBy, cause }: Takeover): string {
  if (reason === "switchover")
    return `${orderedBy === null ? "named by the release" : `${orderedBy} handed over`}: ${cause}`;
  return orderedBy === null ? `${reason}: ${cause}` : `${reason} of ${orderedBy}: ${cause}`;
}

function deposedText({ deposed, previous }: Takeover): string {
  if (previous === null) return "nobody: the first of the pool";
  return deposed ? `${deposed.owner}, epoch ${deposed.epoch}` : `the owner of the fence at slot ${previous.slot}`;
}

function receiptFacts(takeover: Takeover): readonly (readonly string[])[] {
  const { receipt } = takeover;
  if (receipt === null) return [["receipt", "none: nobody served by this fence"]];
  const facts = [["void", voidTexts(takeover).join("; ") || "nothing that is known"]];
  switch (receipt.type) {
    case "receipt": {
      const { slot, lsn, servedAtMs, version } = receipt.receipt;
      const serves = ["serves", `from slot ${slot}, LSN ${lsn}, since ${wallText(servedAtMs)}`];
      return [serves, ...facts, ["receipt", `written by hotspare ${version}`]];
    }
    case "damaged":
      return [...facts, ["receipt", `damaged: ${receipt.reason}`]];
    case "missing":
      return [...facts, ["receipt", "missing: not written yet, or the primary ended before it could"]];
  }
}

function voidTexts({ receipt, deposedEnd, deposed }: Takeover): readonly string[] {
  const voidFences = receipt?.type === "receipt" ? receipt.receipt.voidFences : [];
  const texts = voidFences.map(({ owner, slot, epoch }) => `the fence of ${owner} at slot ${slot}, epoch ${epoch}`);
  if (deposedEnd?.type === "damaged")
    return [...texts, `what ${deposed?.owner} says of it is damaged: ${deposedEnd.reason}`];
  const batch = deposedEnd?.type === "receipt" ? deposedEnd.receipt.batch : null;
  if (!batch) return texts;
  const perhaps = batch.fate === "void" ? "" : ", perhaps: it could not tell";
  return [...texts, `a batch of ${deposed?.owner} for slot ${batch.slot}, ${batch.commits} commits${perhaps}`];
}

// --- Who saw and did what when ----------------------------------------------------------------------------------------

function momentsOf(takeover: Takeover): readonly Moment[] {
  const votes = takeover.votes.toSorted((one, other) => (one.seenAtMs ?? Infinity) - (other.seenAtMs ?? Infinity) || 0);
  return [...votes.map(voteMoment), ...orderMoments(takeover), ...hostMoments(takeover), ...deposedMoments(takeover)];
}

function voteMoment({ by, verdict, standsFor, seenAtMs }: Vote): Moment {
  const who = standsFor === undefined ? by : `${by} for ${standsFor}`;
  const time = seenAtMs === undefined ? null : clockText(seenAtMs);
  return [time, null, printable(who), printable(seenAtMs === undefined ? verdict : `first sign; ${verdict}`)];
}

/** Steps before the order: at the clock of whoever gave it, if that one said when it saw the first sign. */
function orderMoments({ phases = {}, orderedBy, votes }: Takeover): readonly Moment[] {
  const seenAtMs = votes.find(({ by, standsFor }) => by === orderedBy && standsFor === undefined)?.seenAtMs;
  let ms = 0;
  return Object.entries(phases).map(([step, tookMs]) => {
    ms += tookMs;
    const time = seenAtMs === undefined ? null : clockText(seenAtMs + ms);
    return [time, Math.round(ms), printable(orderedBy ?? ""), printable(step)];
  });
}

function hostMoments(takeover: Takeover): readonly Moment[] {
  const { owner, slot, wallMs, orderedBy, receipt } = takeover;
  const beforeMs = beforeOrderMs(takeover);
  const at = (ms: number, what: string): Moment => [clockText(wallMs + ms), Math.round(beforeMs + ms), owner, what];
  const began = at(0, orderedBy === null ? "begins by itself" : "is ordered");
  if (receipt?.type !== "receipt") return [began];
  const { phases, replayed, lsn } = receipt.receipt;
  const steps = [
    [phases.verify, "the journal is verified"],
    [phases.fence, `the fence is at slot ${slot}`],
    [phases.confirm, "nothing lies beyond it"],
    [phases.apply, replayed === 0 ? "nothing was to be replayed" : `${replayed} records are replayed`],
    [phases.open, `serves, from LSN ${lsn}`],
  ] as const;
  let ms = 0;
  return [began, ...steps.map(([tookMs, what]) => at((ms += tookMs), what))];
}

/** Often long after it, when a host that was paused or cut off comes back. */
function deposedMoments({ deposed, deposedEnd, wallMs }: Takeover): readonly Moment[] {
  if (!deposed || deposedEnd?.type !== "receipt") return [];
  const { endedAtMs, reason } = deposedEnd.receipt;
  const time = Math.abs(endedAtMs - wallMs) < SAME_DAY_MS ? clockText(endedAtMs) : wallText(endedAtMs);
  return [[time, null, deposed.owner, printable(`ends: ${reason}`)]];
}
