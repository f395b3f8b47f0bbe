import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { stateHash } from "../../../host/store/state-hash.ts";

const open: DatabaseSync[] = [];
const folders: string[] = [];

afterEach(() => {
  for (const db of open.splice(0)) if (db.isOpen) db.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function database(sql = "", file = ":memory:"): DatabaseSync {
  const db = new DatabaseSync(file);
  open.push(db);
  db.exec(sql);
  return db;
}

const hashOf = (sql: string): string => stateHash(database(sql));
const TABLE = "create table t (k any primary key not null, v) without rowid;";

describe("the state hash is the same", () => {
  test("for the same rows in another order of writing", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.double({ noNaN: true }))), {
          selector: ([key]) => key,
        }),
        fc.infiniteStream(fc.nat()),
        (rows, chance) => {
          const shuffled = rows
            .map((row) => ({ row, at: chance.next().value as number }))
            .toSorted((one, other) => one.at - other.at);
          const hashes = [rows, shuffled.map(({ row }) => row)].map((order) => {
            const db = database("create table t (k text primary key not null, v)");
            const insert = db.prepare("insert into t values (?, ?)");
            for (const [key, value] of order) insert.run(key, value);
            return stateHash(db);
          });
          expect(hashes[0]).toBe(hashes[1]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("after deletions, after VACUUM and in a backup", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hotspare-hash-"));
    folders.push(folder);
    const db = database("create table t (k integer primary key not null, v text)", join(folder, "a.db"));
    const insert = db.prepare("insert into t values (?, ?)");
    db.exec("begin");
    for (let k = 0; k < 3000; k += 1) insert.run(k, `value ${k}`.repeat(k % 50));
    db.exec("commit; delete from t where k % 3 = 0");
    const before = stateHash(db);
    db.exec("vacuum");
    expect(stateHash(db)).toBe(before);
    await backup(db, join(folder, "b.db"));
    expect(stateHash(database("", join(folder, "b.db")))).toBe(before);
  });

  test("whatever hs_meta says, and however our own tables are declared", () => {
    const one =
      "create table hs_meta (k text primary key not null, v); create table hs_commit (lsn integer primary key not null)";
    const other = "create table hs_commit (lsn integer not null, primary key (lsn))";
    expect(hashOf(`${one}; insert into hs_meta values ('slot', 7)`)).toBe(hashOf(other));
  });
});

describe("the state hash differs", () => {
  const base = hashOf(`${TABLE} insert into t values (1, 'a')`);

  test.each([
    ["a value", `${TABLE} insert into t values (1, 'b')`],
    ["a key", `${TABLE} insert into t values (2, 'a')`],
    ["a row more", `${TABLE} insert into t values (1, 'a'), (2, null)`],
    ["a row less", TABLE],
    ["text for bytes", `${TABLE} insert into t values (1, x'61')`],
    ["null for empty text", `${TABLE} insert into t values (1, null)`],
    ["an index", `${TABLE} insert into t values (1, 'a'); create index i on t (v)`],
    ["a name of a table", `${TABLE.replace(" t ", " u ")} insert into u values (1, 'a')`],
    ["a declared type", `${TABLE.replace("v)", "v text)")} insert into t values (1, 'a')`],
    ["rows of hs_commit", `${TABLE} insert into t values (1, 'a'); create table hs_commit (lsn integer primary key)`],
  ])("by %s", (_, sql) => {
    expect(hashOf(sql)).not.toBe(base);
  });

  test("between an integer, the same number as a float, and its text", () => {
    const values = ["1", "1.0", "'1'", "x'31'"];
    expect(new Set(values.map((value) => hashOf(`${TABLE} insert into t values (1, ${value})`))).size).toBe(4);
  });

  test("where two texts are divided otherwise", () => {
    const sql = "create table t (k integer primary key not null, a text, b text);";
    expect(hashOf(`${sql} insert into t values (1, 'ab', 'c')`)).not.toBe(
      hashOf(`${sql} insert into t values (1, 'a', 'bc')`),
    );
  });

  test("in the largest integers, and behind a NUL in a text", () => {
    const hashes = [
      "9223372036854775807",
      "9223372036854775806",
      "-9223372036854775808",
      "'a' || char(0) || 'b'",
      "'a'",
    ].map((value) => hashOf(`${TABLE} insert into t values (1, ${value})`));
    expect(new Set(hashes).size).toBe(5);
  });
});

test("values larger than the gathering buffer count whole", () => {
  const hashes = ["a", "b"].map((last) => {
    const db = database(TABLE);
    const insert = db.prepare("insert into t values (?, ?)");
    insert.run(1, "x".repeat(200_000) + last);
    insert.run(2, Buffer.alloc(200_000, 1));
    return stateHash(db);
  });
  expect(hashes[0]).not.toBe(hashes[1]);
});

test("the documented bytes", () => {
  // Written out by hand from docs/formats.md, so that the encoding cannot change unseen.
  const sql = 'CREATE TABLE "n" (k integer primary key not null, r real, b blob)';
  const text = (value: string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value.length);
    return Buffer.concat([length, Buffer.from(value)]);
  };
  const expected = Buffer.concat([
    Buffer.from("hotspare state 1\n"),
    Buffer.from("S"),
    ...["table", "n", "n", sql].map(text),
    Buffer.from("T"),
    text("n"),
    Buffer.from([0, 0, 0, 3]),
    ...["k", "r", "b"].map(text),
    Buffer.from("R"),
    Buffer.from("01ffffffffffffffff", "hex"),
    Buffer.from("023ff8000000000000", "hex"),
    Buffer.from("0400000002beef", "hex"),
    Buffer.from("R"),
    Buffer.from("010000000000000001", "hex"),
    Buffer.from("00", "hex"),
    Buffer.from("00", "hex"),
    Buffer.from("E"),
  ]);
  const db = database(`${sql}; insert into n values (1, null, null), (-1, 1.5, x'beef')`);
  expect(stateHash(db)).toBe(createHash("sha256").update(expected).digest("hex"));
});
