/** What a peer of another version of the program may leave out, and what it may add. */
import { describe, expect, it } from "vitest";
import type { TSchema } from "typebox";
import { decodeAnswer, decodeRequest, type Envelope } from "../../../shared/wire/envelope.ts";
import { MESSAGES, type Answer, type MessageName, type Request } from "../../../shared/wire/messages.ts";
import { HOST_BOOT, REPORT } from "./nodes.ts";

const FENCE = {
  slot: 1,
  id: "b".repeat(32),
  hash: "c".repeat(64),
  epoch: 1,
  owner: "host-a",
  bootId: HOST_BOOT,
};
const POOL = {
  pool: "main",
  role: "standby",
  serving: false,
  fence: FENCE,
  slot: 1,
  lsn: 1,
  logTimeMs: 1,
  lagMs: 1,
  unfit: null,
  alarm: null,
  takingOver: false,
} as const;
const OBSERVATION = {
  origin: "proxy-1",
  incarnation: 1,
  bootId: HOST_BOOT,
  version: 1,
  beat: 1,
  content: {
    hosts: [{ host: "host-a", verdict: "up" as const, reason: null }],
    pools: [
      {
        pool: "main",
        fence: FENCE,
        epoch: 1,
        primary: null,
        opinion: "well" as const,
        cause: null,
        seenAtMs: null,
        ordered: null,
      },
    ],
    clocks: [{ node: "host-a", offsetMs: -1, errorMs: 1 }],
    quarantined: null,
    program: "0.1.0",
    configHash: "c",
    keys: [],
  },
};
const DIGEST = [{ origin: "proxy-1", incarnation: 1, bootId: HOST_BOOT, version: 1, beat: 1 }];
const STAMPS = { originMs: 1, receivedMs: 1, sentMs: 1 };

const CHANGE = { type: "offline", node: "host-a", last: false } as const;
const DECISIONS = {
  revision: 1,
  offline: [{ node: "host-a", by: "anna", atMs: 1, reason: "x", last: false }],
  removed: ["host-z"],
  added: [],
  maintenance: { by: "anna", atMs: 1, reason: "x", untilMs: null },
};

/** Each message with nothing in it that its schema calls optional. */
const SPARE: { readonly [Name in MessageName]: { readonly request: Request<Name>; readonly answer: Answer<Name> } } = {
  heartbeat: {
    request: { bootId: HOST_BOOT, originMs: 1 },
    answer: { report: { ...REPORT, pools: [POOL] }, ...STAMPS },
  },
  promote: {
    request: { pool: "main", bootId: HOST_BOOT, fence: null, cause: "x", votes: [{ by: "proxy-1", verdict: "down" }] },
    answer: { outcome: "serving", reason: "x", fence: FENCE, phases: { total: 1 } },
  },
  vote: {
    request: { pool: "main", bootId: HOST_BOOT, fence: null },
    answer: { verdict: "unsure", reason: "x", stillMs: 1 },
  },
  gossip: {
    request: { bootId: null, originMs: 1, observations: [OBSERVATION], digest: DIGEST },
    answer: { bootId: HOST_BOOT, ...STAMPS, observations: [OBSERVATION], wanted: ["proxy-2"] },
  },
  appended: { request: { pool: "main", slot: 1 }, answer: { slot: 1 } },
  checkpoint: {
    request: { pool: "main", reason: "x" },
    answer: { slot: 1, stateHash: "a".repeat(64), bytes: 1, durationMs: 1 },
  },
  handover: {
    request: { pool: "main", bootId: HOST_BOOT, to: null, by: "anna", cause: "x", dryRun: false },
    answer: {
      successor: "host-b",
      fence: FENCE,
      pauseMs: 1,
      phases: { released: 1 },
      hosts: [{ host: "host-b", unfit: null, slot: 1, lagMs: 0 }],
    },
  },
  decide: {
    request: { base: 0, change: CHANGE, by: "anna", reason: "x" },
    answer: { changed: true, decisions: DECISIONS },
  },
  revisions: {
    request: { from: null, limit: 1 },
    answer: {
      revisions: [
        {
          id: "d".repeat(32),
          by: "anna",
          writtenBy: "host-a",
          atMs: 1,
          reason: "x",
          change: CHANGE,
          decisions: DECISIONS,
        },
      ],
      decisions: DECISIONS,
    },
  },
  enrol: { request: { bootId: HOST_BOOT }, answer: { pools: [POOL] } },
  invite: { request: { invitation: "e".repeat(32), keyId: "f".repeat(16), lifeMs: 1 }, answer: {} },
  join: { request: {}, answer: { sealed: "AAAA" } },
  look: { request: { host: "host-a" }, answer: {} },
  configuration: {
    request: {},
    answer: { hash: "c", values: [{ path: "rejoin", text: "auto" }], problem: null, pendingRestart: [] },
  },
  "finish-upgrade": {
    request: { pool: "main", dryRun: false },
    answer: { from: 1, to: 2, raised: true, slot: 1 },
  },
};

const NAMES = Object.keys(MESSAGES) as MessageName[];
const enveloped = (body: unknown): Envelope => ({ body }) as Envelope;
const sides = NAMES.flatMap((name) => [
  { name, side: "request" as const, decode: (body: unknown): unknown => decodeRequest(name, enveloped(body)) },
  { name, side: "answer" as const, decode: (body: unknown): unknown => decodeAnswer(name, enveloped(body)) },
]);

/** With a field more in every object that has named fields; `phases` has names of its own. */
function withMore(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMore);
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.entries(value).map(([key, field]) => [key, key === "phases" ? field : withMore(field)]);
  return { ...Object.fromEntries(inner), colour: { of: ["another", "version"] } };
}

/** The paths of the fields that a schema calls optional. */
function optionalFields(schema: TSchema, at = ""): readonly string[] {
  const { properties = {}, required = [], items, anyOf = [] } = schema as Shape;
  return [
    ...Object.keys(properties).flatMap((key) => (required.includes(key) ? [] : [`${at}/${key}`])),
    ...Object.entries(properties).flatMap(([key, field]) => optionalFields(field, `${at}/${key}`)),
    ...(items ? optionalFields(items, at) : []),
    ...anyOf.flatMap((choice) => optionalFields(choice, at)),
  ];
}

interface Shape {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly items?: TSchema;
  readonly anyOf?: readonly TSchema[];
}

/** Every path at which a value has a field. */
function fieldsOf(value: unknown, at = ""): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((entry) => fieldsOf(entry, at));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, field]) => [`${at}/${key}`, ...fieldsOf(field, `${at}/${key}`)]);
}

describe.each(sides)("the $side of $name", ({ name, side, decode }) => {
  it("is understood from a peer that knows none of its optional fields", () => {
    const spare = SPARE[name][side];
    const optional = optionalFields(MESSAGES[name][side]);
    expect(fieldsOf(spare).filter((path) => optional.includes(path))).toEqual([]);
    expect(decode(spare)).toEqual(spare);
  });

  it("is understood from a peer that says more on every level", () => {
    const more = withMore(SPARE[name][side]);
    expect(JSON.stringify(more)).toContain("colour");
    expect(() => decode(more)).not.toThrow();
  });
});

it("there are optional fields, so that the above says something", () => {
  expect(optionalFields(MESSAGES.heartbeat.answer)).toContain("/report/keys");
});
