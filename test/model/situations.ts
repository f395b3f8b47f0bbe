/** What a run must have met to mean anything: a rule that was never needed was not tested. */
import type { Primary, World } from "./world.ts";

type Situational = (world: World, label: string) => boolean;

export const SITUATIONS = {
  "a lost reply": (_, label) => label.endsWith("the reply is lost"),
  "a late put": (_, label) => label.startsWith("a put that nobody waits for"),
  "an own record read back": (_, label) => label.includes(" back: ") && !label.endsWith("nothing is there"),
  "two hosts that serve": (world) => primaries(world).length > 1,
  "a third epoch": (world) => primaries(world).some(({ fence }) => fence.epoch >= 3),
  "a late answer": (world) =>
    primaries(world).some(({ fence, unanswered }) => unanswered.length > 0 && epochOf(world) > fence.epoch),
  "an answer of not applied": ({ observer }) => observer.refused.length > 0,
  "a deposed primary that cannot tell": (_, label) => label.endsWith("its slot may have been cleaned"),
  "a restart": ({ nodes }) => nodes.some(({ life }) => life > 1),
  "a release": ({ observer }) => observer.history.some((record) => record?.kind === "release"),
  "a cleaned slot": ({ observer }) => observer.cleaned,
  "a void fence": ({ vault, observer }) =>
    vault.records.some((record, index) => record !== null && record !== observer.history[index]),
  "a fence found void by its owner": (_, label) => label.includes("finds its fence void"),
  "a fence found void by another": (_, label) => label.includes("may be void"),
  "a restore": (_, label) => label.includes("restores the checkpoint"),
  "an old listing": ({ vault }) => vault.eraCheckpoints.length > 1,
  "a host deposed before it served": (_, label) => label.includes("was deposed again already"),
  "a name lost in a power cut": (_, label) => label.startsWith("the power fails"),
  "a read answered": ({ observer }) => observer.reads > 0,
  "a read refused": (_, label) => label.endsWith("is not primary any more"),
} as const satisfies Readonly<Record<string, Situational>>;

export type Situation = keyof typeof SITUATIONS;

const primaries = ({ nodes }: World): readonly Primary[] =>
  nodes.flatMap(({ stage }) => (stage.type === "primary" ? [stage] : []));

const epochOf = ({ observer }: World): number =>
  observer.history.reduce((epoch, record) => Math.max(epoch, record?.epoch ?? 0), 0);
