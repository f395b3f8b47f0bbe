/** Watches the folder in which the next record will appear, and moves on with the journal. Only a hint: listings decide. */
import type { Head } from "../shared/journal/head.ts";
import type { VaultFolder } from "../shared/vault/layout.ts";
import type { Vault } from "../shared/vault/vault.ts";
import type { JournalReader } from "./journal-reader.ts";

export class JournalWatch {
  readonly #vault: Vault;
  readonly #reader: JournalReader;
  readonly #changed: () => void;
  #folder: VaultFolder | null = null;
  #unwatch: () => void = () => undefined;

  constructor(vault: Vault, reader: JournalReader, changed: () => void) {
    this.#vault = vault;
    this.#reader = reader;
    this.#changed = changed;
  }

  /** To be called now and then with where the state stands. */
  follow(head: Head | null): void {
    const folder = this.#reader.folderAfter(head);
    if (folder === this.#folder) return;
    this.#unwatch();
    this.#folder = folder;
    this.#unwatch = this.#vault.watch(folder, this.#changed);
  }

  stop(): void {
    this.#unwatch();
  }
}
