/**
 * What a line of a node's log says to somebody who watches a whole cluster: one short sentence, or nothing. Pure. Knows
 * the events of hosts and proxies by the names that they log; whatever else is a warning or worse is told as it stands.
 */
import { printable } from "../printable.ts";

export interface News {
  /** `serving`: a host began to serve. `trouble`: shown in another colour. */
  readonly kind: "news" | "serving" | "trouble";
  /** Without who said it: what several nodes see is told once. */
  readonly text: string;
  /** What it says of a pool's epoch: of an older one, or said again, it is no news any more. */
  readonly epoch?: { readonly of: string; readonly number: number };
}

type Fields = Readonly<Record<string, unknown>>;
type Sentence = (fields: Fields) => News | null;

const WARN = 40;
/** What a node writes beside its log when it cannot start. */
const ERROR_LINE = /^hotspare: (?!this should not happen)/;

/** `null` if nobody needs to hear of it. */
export function newsOf(line: string, node: string): News | null {
  const fields = parse(line);
  if (fields === null)
    return ERROR_LINE.test(line) ? trouble(`${node}: ${text(line.slice("hotspare: ".length))}`) : null;
  return newsOfFields({ ...fields, about: fields["node"], node });
}

/** The same of a line, or of a proxy's event, that has been read. `node`: who says it; `about`: of which node. */
export function newsOfFields(fields: Fields): News | null {
  const { event, msg, level, node } = fields;
  const known = SENTENCES.get(`event ${String(event)}`) ?? SENTENCES.get(String(msg));
  if (known) return known(fields);
  if (typeof level !== "number" || level < WARN) return null;
  return trouble(`${text(node)}: ${text(msg)}${because(fields)}`);
}

/** Of a host by its message, of a proxy by its event. */
const SENTENCES: ReadonlyMap<string, Sentence> = new Map<string, Sentence>(
  Object.entries({
    serving: ({ node, pool, epoch, reason, phasesMs }) => ({
      kind: "serving",
      text: `${text(node)} serves pool ${text(pool)} in epoch ${text(epoch)} (${text(reason)}${total(phasesMs)})`,
    }),
    "role changed": ({ node, pool, from, to, reason }) => {
      if (from === to) return null;
      const why = typeof reason === "string" && reason !== "" ? ` (${text(reason)})` : "";
      return news(`${text(node)} is ${text(to)} in pool ${text(pool)}${why}`);
    },
    "newest fence": ({ pool, epoch, owner, slot }) => ({
      ...news(`the newest fence of pool ${text(pool)} is ${text(owner)}'s, epoch ${text(epoch)}, slot ${text(slot)}`),
      epoch: { of: `fence ${text(pool)}`, number: Number(epoch) },
    }),
    alarm: ({ node, pool, code, slot, reason }) =>
      trouble(`${text(node)}: alarm of pool ${text(pool)} at slot ${text(slot)}: ${text(reason)} (${text(code)})`),
    "alarm over": ({ node, pool }) => news(`${text(node)}: the alarm of pool ${text(pool)} is over`),
    "checkpoint published": ({ node, pool, slot, durationMs }) =>
      news(`${text(node)} made a checkpoint of pool ${text(pool)} at slot ${text(slot)} in ${text(durationMs)} ms`),
    "event verdict": ({ host, from, verdict, reason }) => {
      // Suspicions come and go: what becomes of one is told.
      if (verdict === "suspect" || (verdict === "up" && from === "suspect")) return null;
      const sentence = `proxies see ${text(host)} ${text(verdict)}${reason === undefined ? "" : ` (${text(reason)})`}`;
      return verdict === "down" ? trouble(sentence) : news(sentence);
    },
    "event proxy": ({ proxy, from, state }) => {
      if (state === "suspect" || state === from || (state === "alive" && from !== "dead")) return null;
      return (state === "dead" ? trouble : news)(`proxies see ${text(proxy)} ${text(state)}`);
    },
    "event quarantine": ({ about, reason }) =>
      reason === null
        ? news(`the clock of ${text(about)} is trusted again`)
        : trouble(`${text(about)} distrusts its clock (${text(reason)})`),
    "event decided": ({ revision, offline, maintenance }) => {
      const out =
        Array.isArray(offline) && offline.length > 0 ? `offline: ${offline.map(text).join(", ")}` : "nobody is offline";
      return news(`revision ${text(revision)} holds: ${out}${maintenance === null ? "" : "; maintenance"}`);
    },
    "event pool": ({ pool, state, cause }) =>
      state === "serving" ? null : trouble(`pool ${text(pool)} is ${text(state)}${cause ? ` (${text(cause)})` : ""}`),
    "event ordered": ({ pool, host, cause }) =>
      news(`${text(host)} is ordered to take over pool ${text(pool)} (${text(cause)})`),
    "event order-ended": ({ pool, host, outcome, reason }) =>
      outcome === "serving" || outcome === "accepted"
        ? null
        : news(
            `${text(host)} did not take over pool ${text(pool)}: ${text(outcome)}${reason ? `: ${text(reason)}` : ""}`,
          ),
    "event served": ({ pool, host, epoch, phases }) => {
      const totalMs = isFields(phases) && typeof phases["totalMs"] === "number" ? phases["totalMs"] : null;
      if (totalMs === null) return null;
      return {
        ...news(
          `requests of pool ${text(pool)} go to ${text(host)}, epoch ${text(epoch)}, after ${Math.round(totalMs)} ms`,
        ),
        epoch: { of: `served ${text(pool)}`, number: Number(epoch) },
      };
    },
  } satisfies Readonly<Record<string, Sentence>>),
);

const news = (sentence: string): News => ({ kind: "news", text: sentence });
const trouble = (sentence: string): News => ({ kind: "trouble", text: sentence });

function parse(line: string): Fields | null {
  if (!line.startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) ? value : null;
  } catch {
    return null; // Cut off by a kill, or no log line at all.
  }
}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

const text = (value: unknown): string =>
  typeof value === "string" ? printable(value) : typeof value === "number" ? String(value) : "unknown";

const because = ({ reason, err }: Fields): string => {
  if (typeof reason === "string" && reason !== "") return `: ${text(reason)}`;
  return isFields(err) && typeof err["message"] === "string" ? `: ${text(err["message"])}` : "";
};

const total = (phases: unknown): string =>
  isFields(phases) && typeof phases["total"] === "number" ? `, takeover ${Math.round(phases["total"])} ms` : "";
