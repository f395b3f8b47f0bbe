/**
 * Judges what proxies know and say of one another (I12): of each origin a proxy's knowledge never goes back; nobody knows
 * what the origin never said; and what an origin saw is forgotten only after it was silent for long enough. Has its own
 * order of lives and versions, since the production code's is what it judges.
 */
import type { NodeId } from "../../shared/ids.ts";
import type { Digest, Observation } from "../../shared/wire/messages.ts";
import { check } from "./history.ts";

type Stamp = Digest[number];
type Content = Observation["content"];
/** Of whatever is known: an observation, or a stamp of a digest, which shows no content. */
type Shown = Stamp & { readonly content?: Content };

/** What one process said of itself. */
interface Origin {
  incarnation: number;
  beat: number;
  version: number;
  readonly said: Map<number, { readonly content: Content; readonly atMs: number }>;
}

interface Sight {
  readonly shown: Shown;
  /** When its beat was last new. */
  readonly beatMs: number;
}

export class GossipJudge {
  readonly #now: () => number;
  readonly #forgetMs: number;
  /** By origin and boot id. */
  readonly #origins = new Map<string, Origin>();
  /** By knower and origin. */
  readonly #sights = new Map<string, Sight>();
  /** Versions that somebody has forgotten, and so anybody may have. */
  readonly #forgotten = new Set<string>();

  constructor(now: () => number, forgetMs: number) {
    this.#now = now;
    this.#forgetMs = forgetMs;
  }

  /** What `proxy` says of itself is so from now on. */
  wrote(proxy: NodeId, all: readonly Shown[]): void {
    for (const shown of all) if (shown.origin === proxy) this.#wrote(shown);
  }

  /** What `proxy` says of others. */
  said(proxy: NodeId, all: readonly Shown[]): void {
    for (const shown of all) {
      if (shown.origin === proxy) continue;
      this.#exists(proxy, shown);
      const isLost = shown.content === null && shown.version > 0 && !this.#forgotten.has(text(shown));
      check(!isLost, "I12", () => `${proxy} says that ${text(shown)} is forgotten, which nobody has`);
    }
  }

  /** @param knower one life of `proxy`: whatever comes under that name came to be known in this order. */
  knows(proxy: NodeId, knower: string, all: readonly Shown[]): void {
    for (const shown of all) {
      const key = `${knower} ${shown.origin}`;
      const before = this.#sights.get(key) ?? null;
      if (before?.shown === shown) continue;
      if (shown.origin !== proxy) this.#exists(proxy, shown);
      if (before) this.#follows(knower, shown, before);
      const isNew = before === null || beatsAfter(shown, before.shown);
      this.#sights.set(key, { shown, beatMs: isNew ? this.#now() : before.beatMs });
    }
  }

  /** Whether that knower lacks what this life of the origin said longer than `boundMs` ago. */
  isBehind(knower: string, origin: NodeId, bootId: string, boundMs: number): boolean {
    const known = this.#sights.get(`${knower} ${origin}`)?.shown;
    if (known?.bootId !== bootId) return true;
    const said = [...(this.#origins.get(`${origin} ${bootId}`)?.said ?? [])];
    return said.some(([version, { atMs }]) => version > known.version && this.#now() - atMs >= boundMs);
  }

  #wrote(own: Shown): void {
    const key = `${own.origin} ${own.bootId}`;
    const origin = this.#origins.get(key) ?? { incarnation: 0, beat: 0, version: 0, said: new Map() };
    this.#origins.set(key, origin);
    origin.incarnation = Math.max(origin.incarnation, own.incarnation);
    origin.beat = Math.max(origin.beat, own.beat);
    origin.version = Math.max(origin.version, own.version);
    const { version, content } = own;
    if (content === undefined) return;
    const before = origin.said.get(version);
    if (!before) return void origin.said.set(version, { content, atMs: this.#now() });
    check(isSame(before.content, content), "I12", () => `${own.origin} says ${text(own)} of itself twice, and differs`);
  }

  #exists(proxy: NodeId, shown: Shown): void {
    const what = (): string => `${proxy} knows ${text(shown)} at beat ${shown.beat}, which that proxy never said`;
    const origin = this.#origins.get(`${shown.origin} ${shown.bootId}`);
    check(origin !== undefined, "I12", what);
    const { incarnation, beat, version, said } = origin;
    check(shown.incarnation <= incarnation && shown.beat <= beat && shown.version <= version, "I12", what);
    const { content } = shown;
    if (!content) return;
    const own = said.get(shown.version)?.content;
    check(own !== undefined && isSame(own, content), "I12", what);
  }

  #follows(knower: string, after: Shown, { shown: before, beatMs }: Sight): void {
    const [lives, versions] = [livesOf(after, before), after.version - before.version];
    const isForward = lives > 0 || (lives === 0 && versions >= 0 && after.beat >= before.beat);
    check(isForward, "I12", () => `${knower} goes back from ${text(before)} to ${text(after)}`);
    if (lives !== 0 || versions !== 0) return;
    check(!before.content || !!after.content || this.#mayForget(after, beatMs), "I12", () => {
      return `${knower} forgets ${text(after)}, whose last beat was new ${this.#now() - beatMs} ms ago`;
    });
    const isBack = before.content === null && before.version > 0 && !!after.content;
    check(!isBack, "I12", () => `${knower} has ${text(after)} again, which it had forgotten`);
  }

  #mayForget(shown: Shown, beatMs: number): boolean {
    if (shown.content === undefined || this.#forgotten.has(text(shown))) return true;
    if (this.#now() - beatMs < this.#forgetMs) return false;
    this.#forgotten.add(text(shown));
    return true;
  }
}

/** Greater than 0 if `a` is of a later life. */
function livesOf(a: Stamp, b: Stamp): number {
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation;
  return a.bootId === b.bootId ? 0 : a.bootId > b.bootId ? 1 : -1;
}

const beatsAfter = (a: Stamp, b: Stamp): boolean => {
  const lives = livesOf(a, b);
  return lives > 0 || (lives === 0 && a.beat > b.beat);
};

const isSame = (a: Content, b: Content): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

const text = ({ origin, incarnation, bootId, version }: Stamp): string =>
  `version ${version} of ${origin} in life ${incarnation}, ${bootId.slice(0, 6)}`;
