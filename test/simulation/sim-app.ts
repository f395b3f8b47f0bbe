/**
 * The application of the simulation: registers that are read, written, and compared and set, and one row for every write
 * that took effect, however often. What an answer says is judged as it leaves.
 */
import type { FastifyRequest } from "fastify";
import type { LoadedApp } from "../../host/app/app.ts";
import type { Pool } from "../../host/app/pool.ts";
import type { Db, SchemaEntry, Store } from "../../host/store/store.ts";
import { isHotspareError } from "../../shared/errors.ts";
import { LSN_FIELD } from "../../shared/wire/fields.ts";
import type { SettledWrite } from "./replica.ts";

export const SCHEMA: readonly SchemaEntry[] = [
  {
    id: "registers",
    sql: "create table register (name text primary key not null, value integer not null) strict",
  },
  {
    id: "effects",
    sql: `create table effect (lsn integer primary key not null, key text not null, register text not null,
            value integer not null, replaced integer) strict`,
  },
];

/** What a client asks for, in the body of its request. */
export interface Asked {
  readonly key: string;
  readonly value: number;
  /** Only if this is what the register holds. */
  readonly expected?: number | null;
}

/** What a write answers; `done` is false where the register held something else. */
export interface Told {
  readonly done: boolean;
  readonly lsn: number;
  readonly held: number | null;
}

/** An answer as it leaves a host; `sentMs`: when that attempt left its client. */
export type Leaving = { readonly register: string; readonly sentMs: number } & (
  | { readonly type: "write"; readonly asked: Asked; readonly told: Told; readonly replayed: boolean }
  | { readonly type: "read"; readonly value: number | null; readonly lsn: number }
  | { readonly type: "session read"; readonly value: number | null; readonly lsn: number }
  /** A proxy's request has come; a process that was held for dead by mistake may get it twice. */
  | { readonly type: "executes"; readonly request: string; readonly epoch: string; readonly attempt: number }
  /** It had no effect there, and the host lives to say so. */
  | { readonly type: "survives"; readonly request: string; readonly epoch: string }
);

/** Who judges answers as they leave a host. */
export type Judge = (leaving: Leaving) => void;

/** When an attempt left its client, in virtual milliseconds. */
export const SENT_FIELD = "x-sent-ms";

/** Answers with an outcome: a proxy knows that the request did not happen there, and does not count it. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(["HS_NOT_PRIMARY", "HS_NOT_APPLIED"]);

type Put = { Params: { register: string }; Body: Asked };
type Get = { Params: { register: string } };

/** `judge`: of the host that it runs on. */
export const simApp = (judge: Judge): LoadedApp => ({
  name: "simulation",
  schema: SCHEMA,
  register: (app, { pool }) => {
    app.put<Put>("/r/:register", async (request) => put(pool, judge, request));
    app.get<Get>("/r/:register", async (request) => get(pool, judge, request));
    app.post("/checkpoint", async () => {
      pool.checkpoint("asked for");
      return {};
    });
  },
});

async function put(pool: Pool, judge: Judge, request: FastifyRequest<Put>): Promise<Told> {
  const { register } = request.params;
  const asked = request.body;
  const number = request.headers["hotspare-request"];
  const epoch = String(request.headers["hotspare-epoch"]);
  const attempt = Number(request.headers["hotspare-attempt"] ?? 1);
  if (typeof number === "string")
    judge({ type: "executes", register, sentMs: sentMs(request), request: number, epoch, attempt });
  const survives = (error: unknown): never => {
    if (typeof number === "string" && isHotspareError(error) && WITHOUT_EFFECT.has(error.code))
      judge({ type: "survives", register, sentMs: sentMs(request), request: number, epoch });
    throw error;
  };
  const write = (db: Db, { lsn }: { readonly lsn: number }): Told => {
    const held = valueOf(db, register);
    if (asked.expected !== undefined && asked.expected !== held) return { done: false, lsn, held };
    db.prepare("insert into register (name, value) values (?, ?) on conflict (name) do update set value = ?2").run(
      register,
      asked.value,
    );
    db.prepare("insert into effect (lsn, key, register, value, replaced) values (?, ?, ?, ?, ?)").run(
      lsn,
      asked.key,
      register,
      asked.value,
      held,
    );
    return { done: true, lsn, held };
  };
  const { value, replayed } = await pool.write(request, write).catch(survives);
  judge({ type: "write", register, sentMs: sentMs(request), asked, told: value, replayed });
  return value;
}

async function get(
  pool: Pool,
  judge: Judge,
  request: FastifyRequest<Get>,
): Promise<{ value: number | null; lsn: number }> {
  const { register } = request.params;
  const found = await pool.read(request, (db) => ({
    value: valueOf(db, register),
    lsn: Number(db.prepare("select max(lsn) as lsn from effect").get()?.["lsn"] ?? 0),
  }));
  const type = request.headers[LSN_FIELD] === undefined ? "read" : "session read";
  judge({ type, register, sentMs: sentMs(request), ...found });
  return found;
}

const sentMs = ({ headers }: Pick<FastifyRequest, "headers">): number => Number(headers[SENT_FIELD] ?? 0);

function valueOf(db: Db, register: string): number | null {
  const value = db.prepare("select value from register where name = ?").get(register)?.["value"];
  return value === undefined ? null : Number(value);
}

/** What took effect from that commit on. */
export function writesFrom(store: Pick<Store, "read" | "schema">, lsn: number): readonly SettledWrite[] {
  if (!store.schema.includes("effects")) return [];
  return store.read((db) =>
    db
      .prepare("select lsn, key, register, value, replaced from effect where lsn >= ? order by lsn")
      .all(lsn)
      .map((row) => ({
        key: String(row["key"]),
        register: String(row["register"]),
        value: Number(row["value"]),
        lsn: Number(row["lsn"]),
        replaced: row["replaced"] === null ? null : Number(row["replaced"]),
      })),
  );
}
