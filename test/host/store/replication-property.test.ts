import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Parameter, Write } from "../../../host/store/store.ts";
import { dump, keyOf, Replicas } from "./replicas.ts";

/** Shapes of tables, each with a key column `k`, a unique column `u` and a free column `v`. */
const SCHEMA = [
  {
    id: "shapes",
    sql: `
      create table plain (k integer primary key, u unique, v);
      create table texts (k text primary key not null, u integer unique, v, w as (v || '!') stored, x as (length(v)));
      create table narrow (k text not null, u integer, v, p integer generated always as (abs(u)), primary key (k)) without rowid;
      create unique index narrow_u on narrow (u) where v is not null;
      create unique index narrow_p on narrow (abs(u), v);
      create table strictly (k blob primary key, u any unique, v any) strict;
      create table parents (k integer primary key, u integer unique, v);
      create table children (k integer primary key, u integer references parents (k) on delete cascade on update cascade,
        v integer references parents (u) on delete set null on update set null);
      create table watched (k integer primary key, u integer unique, v);
      create table log (k integer primary key, u, v);
      create trigger watched_i after insert on watched begin insert into log (u, v) values ('i', new.v); end;
      create trigger watched_u before update on watched begin update log set v = new.v where u = 'i' and k = old.k; end;
      create trigger watched_d after delete on watched begin delete from log where k <= old.k; insert into log (u) values ('d'); end;
    `,
  },
];

const TABLES = ["plain", "texts", "narrow", "strictly", "parents", "children", "watched"] as const;

const small = fc.integer({ min: -1, max: 4 });
const value: fc.Arbitrary<Parameter> = fc.oneof(
  { weight: 3, arbitrary: small },
  fc.constantFrom(null, 0, 1, 1.5, "", "1", "a\0b", 1n, 9223372036854775807n, -9223372036854775808n),
  fc.double({ noNaN: true }),
  fc.string({ unit: "grapheme", maxLength: 4 }),
  fc.uint8Array({ maxLength: 4 }),
);

interface Statement {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

const statement: fc.Arbitrary<Statement> = fc
  .record({
    table: fc.constantFrom(...TABLES),
    shape: fc.constantFrom(
      "insert into T (k, u, v) values (?1, ?2, ?3)",
      "insert or replace into T (k, u, v) values (?1, ?2, ?3)",
      "insert or ignore into T (k, u, v) values (?1, ?2, ?3)",
      "insert into T (k, u, v) values (?1, ?2, ?3) on conflict do update set u = excluded.u, v = excluded.v",
      "update T set v = ?3 where k = ?1 or u = ?2",
      "update or replace T set u = ?2 where k = ?1 or v = ?3",
      "update or ignore T set k = ?1 where u = ?2 or v = ?3",
      "update T set u = -u where ?1 or ?2 or ?3 or 1",
      "update T set u = 3 - u where ?1 or ?2 or ?3 or 1",
      "update or replace T set u = v, v = u where ?1 or ?2 or ?3 or 1",
      "delete from T where k = ?1 or u = ?2 or v = ?3",
      "delete from T where ?1 or ?2 or ?3",
    ),
    key: value,
    unique: fc.oneof(small, value),
    free: value,
  })
  .map(({ table, shape, key, unique, free }) => ({
    sql: shape.replace("T", table),
    parameters: [table === "strictly" ? Buffer.from(String(key)) : key, unique, free],
  }));

interface Step {
  readonly statements: readonly Statement[];
  readonly ending: "return" | "throw";
  readonly keyed: "keyed" | "unkeyed";
}

const step: fc.Arbitrary<Step> = fc.record({
  statements: fc.array(statement, { minLength: 1, maxLength: 6 }),
  ending: fc.constantFrom("return", "return", "return", "throw"),
  keyed: fc.constantFrom("keyed", "unkeyed"),
});

/** Runs each statement; goes on after those that fail, as an application may. */
const writeOf = ({ statements, ending, keyed }: Step, name: string): Write => ({
  key: keyed === "keyed" ? keyOf(name) : null,
  run: (db) => {
    for (const { sql, parameters } of statements) {
      try {
        db.prepare(sql).run(...parameters);
      } catch {
        // A constraint; the savepoint of the statement has undone it.
      }
    }
    if (ending === "throw") throw new Error("undone");
    return statements.length;
  },
});

describe("whatever a primary does", () => {
  it("a standby that applies its records has the same rows", () => {
    using replicas = new Replicas(SCHEMA);
    let batches = 0;
    let changed = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 5 }), (steps) => {
        batches += 1;
        const before = replicas.journal.length;
        replicas.batch(...steps.map((each, index) => writeOf(each, `${batches}.${index}`)));
        const record = replicas.journal[before]?.record;
        if (record?.kind === "batch" && record.operations.length > 0) changed += 1;
        expect(dump(replicas.standby.file)).toEqual(dump(replicas.primary.file));
      }),
      { numRuns: 250 },
    );
    // The property is about change sets: most runs must have made one.
    expect(changed).toBeGreaterThan(batches / 2);
  });
});
