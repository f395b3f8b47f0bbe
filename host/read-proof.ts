/**
 * The proof that a linearizable read needs: that this host was still primary at a moment after the read arrived. One
 * proof serves all readers that were waiting when it began.
 *
 * `check`: the slot after the last one whose publish was started is absent, and a publish that is still unresolved has
 * its slot absent or own. Right only where a mount does not serve stale absences. A record of the own tenure that
 * appears there meanwhile proves the same: its put, which no fence preceded, began after the readers came. Then the own
 * fence must be seen, which is never deleted: in the empty folder of a share that was unmounted all slots are absent.
 * `barrier`: an empty batch is published. Right everywhere.
 */
import { HotspareError } from "../shared/errors.ts";
import type { PoolId } from "../shared/ids.ts";
import type { FenceRef, SealedRecord } from "../shared/journal/record.ts";
import { nextSlot, type Slot } from "../shared/position.ts";
import type { Found } from "./core/publication.ts";

export interface ProofShell {
  /** Where the tenure stands: `null` if this host does not serve. */
  standing(): Standing | null;
  find(at: Slot): Promise<Found>;
  /** Publishes an empty batch. */
  barrier(): Promise<void>;
}

export interface Standing {
  readonly fence: FenceRef;
  /** The last published slot. */
  readonly head: Slot;
  /** A publish that is not resolved. */
  readonly inFlight: SealedRecord | null;
}

interface Reader {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class ReadProof {
  readonly #pool: PoolId;
  readonly #mode: "check" | "barrier";
  readonly #shell: ProofShell;
  #waiting: Reader[] = [];
  #running = false;

  constructor(pool: PoolId, mode: "check" | "barrier", shell: ProofShell) {
    this.#pool = pool;
    this.#mode = mode;
    this.#shell = shell;
  }

  /** Resolves when the proof holds; rejects with HS_NOT_PRIMARY when it does not, HS_VAULT_IO when it cannot be had. */
  prove(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const readers = this.#waiting.splice(0);
      try {
        await (this.#mode === "check" ? this.#check() : this.#shell.barrier());
        for (const { resolve } of readers) resolve();
      } catch (error) {
        for (const { reject } of readers) reject(error);
      }
    }
    this.#running = false;
  }

  async #check(): Promise<void> {
    const standing = this.#shell.standing();
    if (!standing) throw this.#notPrimary();
    const { inFlight, head, fence } = standing;
    const started = inFlight ? nextSlot(head) : head;
    const [own, next] = await Promise.all([
      inFlight ? this.#shell.find(started) : null,
      this.#shell.find(nextSlot(started)),
    ]);
    if (own && !isAbsent(own) && !isRecordOf(own, fence)) throw this.#notPrimary();
    if (!isAbsent(next) && !isRecordOf(next, fence)) throw this.#notPrimary();
    await this.#seeVault(fence);
    // Deposed meanwhile and told so: what was found is older than that.
    if (this.#shell.standing()?.fence.id !== fence.id) throw this.#notPrimary();
  }

  /** After the absence was seen: whatever took the share away in between took the fence away, too. */
  async #seeVault(fence: FenceRef): Promise<void> {
    const found = await this.#shell.find(fence.slot);
    if (isAbsent(found)) throw unproven("the own fence is not there; is the share mounted?");
    if (found.type === "record" && found.sealed.record.header.id !== fence.id) throw this.#notPrimary();
  }

  #notPrimary(): HotspareError {
    return new HotspareError("HS_NOT_PRIMARY", { pool: this.#pool });
  }
}

/** @throws {HotspareError} HS_VAULT_IO: nothing can be concluded from what cannot be read. */
function isAbsent(found: Found): boolean {
  if (found.type === "unreadable") throw unproven(found.reason);
  return found.type === "absent";
}

const unproven = (reason: string): HotspareError =>
  new HotspareError("HS_VAULT_IO", { action: "read", name: "the slot after the head", reason });

/** A record of this very tenure: only this process makes those. */
function isRecordOf(found: Found, fence: FenceRef): boolean {
  if (found.type !== "record") return false;
  const { kind, header } = found.sealed.record;
  return kind !== "fence" && header.epoch === fence.epoch && header.bootId === fence.bootId;
}
