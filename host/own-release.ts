/**
 * Brings a host's own release into its own store before it ends. At the next start the last record of the store must still be
 * in the vault: that is how a host notices a vault that was rolled back, also by no more than that release.
 */
import type { Clock } from "../shared/clock.ts";
import { extend } from "../shared/journal/head.ts";
import type { SealedRecord } from "../shared/journal/record.ts";
import type { JournalReader } from "./journal-reader.ts";
import type { LocalCopy } from "./local-copy.ts";

export interface OwnReleaseOptions {
  readonly copy: Pick<LocalCopy, "store">;
  readonly reader: Pick<JournalReader, "find">;
  readonly clock: Clock;
}

/** A share that hangs holds no stop up. */
const WAIT_MS = 1000;

/** Nobody else may write to the store by then. What was not published, or is there already, changes nothing. */
export async function keepOwnRelease(
  released: SealedRecord,
  { copy, reader, clock }: OwnReleaseOptions,
): Promise<void> {
  const { slot, id } = released.record.header;
  const found = await new Promise<Awaited<ReturnType<JournalReader["find"]>> | null>((resolve) => {
    const cancel = clock.after(WAIT_MS, () => resolve(null));
    const end = (answer: Awaited<ReturnType<JournalReader["find"]>> | null): void => {
      cancel();
      resolve(answer);
    };
    reader.find(slot).then(end, () => end(null));
  });
  if (found?.type !== "record" || found.sealed.record.header.id !== id) return;
  const extension = extend(copy.store.head, released);
  if (extension.ok) copy.store.apply(released, extension.head);
}
