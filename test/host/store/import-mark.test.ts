import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FINISH_IMPORT, importMark } from "../../../host/store/import-mark.ts";
import { openStore } from "../../../host/store/sqlite-store.ts";
import type { SchemaEntry, Store } from "../../../host/store/store.ts";
import type { SealedRecord } from "../../../shared/journal/record.ts";
import { Chain } from "../../shared/journal/records.ts";
import { CopyFolder } from "../machine.ts";

const APP: readonly SchemaEntry[] = [{ id: "t", sql: "create table t (id integer primary key)" }];
const mark = importMark("ab".repeat(32) as never);

let folder: CopyFolder;
let store: Store;
let chain: Chain;

beforeEach(() => {
  folder = new CopyFolder();
  store = openStore({ file: folder.file(), pool: "main" });
  chain = new Chain();
});
afterEach(() => {
  store.close();
  folder.remove();
});

const apply = (sealed: SealedRecord): void => store.apply(sealed, chain.head!);
const begin = (): void => apply(chain.fence("host-a", { schema: [mark.id, "t"] }));

describe("the mark of an unfinished import", () => {
  it("is in the state from the very fence on: a pool that has only that is served by no application", () => {
    begin();
    expect(store.schema).toEqual([mark.id]);
    expect(() => store.pendingSchema(APP)).toThrow(
      /hotspare-import-unfinished-(?:ab){32}, which this application does not know/,
    );
  });

  it("goes with the last record, and leaves the application's entries as if they had always been alone", () => {
    begin();
    apply(chain.batch(store.pendingSchema([mark, ...APP])));
    expect(store.schema).toEqual([mark.id, "t"]);
    apply(chain.fence("host-b", { schema: [mark.id, "t"] }));
    expect(store.schema).toEqual([mark.id, "t"]);
    apply(chain.batch([{ type: "sql", sql: FINISH_IMPORT, parameters: [] }]));
    expect(store.schema).toEqual(["t"]);
    const later = { id: "u", sql: "create table u (id integer primary key)" };
    apply(chain.batch(store.pendingSchema([...APP, later])));
    expect(store.schema).toEqual(["t", "u"]);
  });

  it("is not set by other fences, nor in a state that has entries already", () => {
    apply(chain.fence("host-a", { schema: ["t"] }));
    apply(chain.batch(store.pendingSchema(APP)));
    apply(chain.fence("host-b", { schema: [mark.id] }));
    expect(store.schema).toEqual(["t"]);
  });
});
