/** Whether all hosts see one vault, and this machine sees what each of them writes there, and how soon. Pure. */
import { answering, type Facts, type HintFacts, type HostFacts } from "./facts.ts";
import { failing, ok, warning, wrong, type Finding } from "./finding.ts";

const SUBJECT = "hosts and vault";
/** A hint is written each second; a share that shows it later shows records later, too. */
const LATE_MS = 2000;
const SLOW_MS = 250;

export function visibilityFindings(facts: Facts): readonly Finding[] {
  return answering(facts).flatMap((host) => [...ownWord(host, facts), ...seenFromHere(host, facts)]);
}

function ownWord({ host, report }: ReturnType<typeof answering>[number], { config }: Facts): readonly Finding[] {
  const { id } = host;
  const { ok: good, ageMs, latencyMs } = report.probe;
  if (config.vault.id !== null && report.vaultId !== config.vault.id)
    return [
      wrong(
        SUBJECT,
        `${id} is on the vault ${report.vaultId}, not on ${config.vault.id}`,
        `mount the right share on its machine`,
      ),
    ];
  if (!good || ageMs > config.health.storageMs)
    return [
      failing(
        SUBJECT,
        `${id} has not written to the vault for ${Math.round(ageMs)} ms`,
        "look at the share on its machine",
      ),
    ];
  const text = `${id} writes to the vault in ${latencyMs.toFixed(1)} ms`;
  return latencyMs > SLOW_MS
    ? [warning(SUBJECT, text, "each commit waits for that: look at the share and its network")]
    : [ok(SUBJECT, text)];
}

function seenFromHere({ host }: HostFacts, { vault }: Facts): readonly Finding[] {
  if (!vault.seen) return [];
  return hintFindings(
    host.id,
    vault.hints.find((hint) => hint.host === host.id),
  );
}

function hintFindings(id: string, hint: HintFacts | undefined): readonly Finding[] {
  if (!hint?.moves) {
    const text = `${id} writes to a vault, but nothing of it is seen in this one`;
    return [failing(SUBJECT, text, "both must mount the same folder; look for a cache that is never refreshed")];
  }
  if (hint.lateMs === null) return [];
  const text = `what ${id} writes is seen here after ${Math.max(0, Math.round(hint.lateMs))} ms`;
  return hint.lateMs > LATE_MS
    ? [warning(SUBJECT, text, "NFS: mount with lookupcache=positive and a small actimeo; SMB: cache=strict")]
    : [ok(SUBJECT, text)];
}
