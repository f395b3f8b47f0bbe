/** A state that follows history as it happens, by which what hosts hold and say is judged. */
import type { Head } from "../../shared/journal/head.ts";
import type { SealedRecord } from "../../shared/journal/record.ts";

/** One settled write, as history has it. */
export interface SettledWrite {
  readonly key: string;
  readonly register: string;
  readonly value: number;
  readonly lsn: number;
  /** What it answers: the value that it replaced. Depends on all writes before it. */
  readonly replaced: number | null;
}

/** Where a state is; `digest` tells two states apart where that is cheap, else it is 0. */
export interface Standing {
  readonly head: Head | null;
  readonly digest: number;
}

export interface Replica extends Standing {
  /** Returns the writes that the record holds. */
  apply(sealed: SealedRecord, head: Head): readonly SettledWrite[];
  /** Takes the last record back. */
  undo(): void;
}
