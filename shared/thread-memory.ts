/**
 * How much heap a thread is given. Each thread has a heap of its own, whose young part grows to tens of megabytes where it
 * may, for threads that hold next to nothing: a host has several of them. Buffers lie outside and are not meant.
 */
import type { ResourceLimits } from "node:worker_threads";

/** For a thread that carries bytes and holds little: collected a little more often, and a quarter as large. */
export const SMALL_THREAD: ResourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 128 };
