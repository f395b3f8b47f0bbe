/**
 * Sees what becomes of journal records on the disk, whoever did it and whether anybody knows, and hands it to the history,
 * by which it judges receipts.
 * What it finds wrong is told aside: who caused it would catch it.
 */
import { decodeRecord } from "../../shared/journal/record-codec.ts";
import type { SealedRecord } from "../../shared/journal/record.ts";
import type { DiskFile } from "../../shared/vault/memory-disk.ts";
import type { History } from "./history.ts";
import { judgeReceipt } from "./receipt-judge.ts";
import type { Witness } from "./sim-disk.ts";

const RECORD = /^\/pools\/main\/journal\/\d{16}\/(\d{16})$/;
const MANIFEST = /^\/pools\/main\/checkpoints\/(\d{16})-[0-9a-f]{64}\.json$/;

export interface WitnessOptions {
  readonly history: () => History;
  /** The newest slot whose checkpoint's manifest is durable. */
  readonly newestCheckpoint: () => number;
  readonly failed: (error: unknown) => void;
  /** Counts what is rare. */
  readonly note: (what: string) => void;
}

export class JournalWitness implements Witness {
  readonly #options: WitnessOptions;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  created(path: string, file: DiskFile): void {
    this.#tell(path, file, (history, sealed) => history.created(sealed));
    this.#judge(path, file);
  }

  removed(path: string, file: DiskFile): void {
    if (RECORD.test(path)) this.#options.note("record cleaned away");
    const newest = this.#options.newestCheckpoint();
    this.#tell(path, file, (history, sealed) => history.removed(sealed.record.header.slot, newest, sealed));
  }

  lost(path: string, file: DiskFile): void {
    this.#tell(path, file, (history, sealed) => history.lost(sealed));
  }

  synced(path: string, file: DiskFile): void {
    this.#tell(path, file, (history, sealed) => history.synced(sealed));
  }

  #judge(path: string, file: DiskFile): void {
    try {
      const of = judgeReceipt(path, file, this.#options.history());
      if (of) this.#options.note(`receipt of the ${of} of a tenure`);
    } catch (error) {
      this.#options.failed(error);
    }
  }

  #tell(path: string, file: DiskFile, tell: (history: History, sealed: SealedRecord) => void): void {
    if (!RECORD.test(path)) return;
    const decoded = decodeRecord(file.bytes);
    if (decoded.type !== "record") return;
    try {
      tell(this.#options.history(), decoded.sealed);
    } catch (error) {
      this.#options.failed(error);
    }
  }
}

/** The slot of a durable manifest's name; 0 for whatever else. */
export const checkpointSlot = (path: string): number => Number(MANIFEST.exec(path)?.[1] ?? 0);
