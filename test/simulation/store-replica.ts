/** The replica on a production store of its own: it holds what whoever applies all records must hold. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Head } from "../../shared/journal/head.ts";
import type { SealedRecord } from "../../shared/journal/record.ts";
import { stateHash } from "../../host/store/state-hash.ts";
import { openStore, type SqliteStore } from "../../host/store/sqlite-store.ts";
import { writesFrom } from "./sim-app.ts";
import type { Replica, SettledWrite } from "./replica.ts";

export class StoreReplica implements Replica {
  readonly digest = 0;
  readonly #folder: string;
  #store: SqliteStore;
  #applied: { readonly sealed: SealedRecord; readonly head: Head }[] = [];

  constructor(folder: string) {
    this.#folder = join(folder, "history");
    this.#store = this.#open();
  }

  get head(): Head | null {
    return this.#store.head;
  }

  apply(sealed: SealedRecord, head: Head): readonly SettledWrite[] {
    const before = this.#store.head?.lsn ?? 0;
    this.#store.apply(sealed, head);
    this.#applied.push({ sealed, head });
    return head.lsn > before ? writesFrom(this.#store, before + 1) : [];
  }

  undo(): void {
    const kept = this.#applied.slice(0, -1);
    this.#store.close();
    rmSync(this.#folder, { recursive: true, force: true });
    this.#store = this.#open();
    this.#applied = [];
    for (const { sealed, head } of kept) this.apply(sealed, head);
  }

  stateHash(): string {
    const db = new DatabaseSync(this.#store.file, { readOnly: true });
    try {
      return stateHash(db);
    } finally {
      db.close();
    }
  }

  close(): void {
    this.#store.close();
  }

  #open(): SqliteStore {
    mkdirSync(this.#folder, { recursive: true });
    return openStore({ file: join(this.#folder, "state.db"), pool: "main", walMover: "caller" });
  }
}
