/**
 * How far another node's wall clock is ahead of the own, and how far off that may be at most. Pure.
 *
 * One exchange gives both: the other clock was read somewhere between asking and the answer, so half of the time on the
 * way is the most by which the estimate can be wrong, however unequal the two ways were. It is taken from the monotonic
 * clock, so that the own wall clock may be set meanwhile. Of the last exchanges the one that is surest holds. The bound is
 * true as long as both clocks go as clocks do; one that is set by more than the errors can hide shows in the next exchange,
 * and what was before is dropped.
 */
import type { ClockOffset } from "../wire/messages.ts";

/** One exchange of the four time stamps of NTP; the first and the last are read from the own monotonic clock. */
export interface ClockExchange {
  readonly askedMs: number;
  readonly answeredMs: number;
  /** The own wall clock, read with `answeredMs`. */
  readonly wallMs: number;
  /** The other's wall clock when the question was there, and when the answer left. */
  readonly receivedMs: number;
  readonly sentMs: number;
}

/** What the own two clocks say now. */
export interface ClockReading {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

interface Sample {
  readonly offset: ClockOffset;
  /** Monotonic. */
  readonly askedMs: number;
  /** How far the own wall clock was ahead of the own monotonic one. */
  readonly wallAheadMs: number;
}

/** What is remembered of one node: the last exchanges, oldest first. */
export type ClockSamples = readonly Sample[];

const MOST_SAMPLES = 8;
const LONGEST_MS = 60_000;
/** By how much two clocks may drift apart that nobody corrects. */
const DRIFT = 200e-6;
/** Wall clocks are read in whole milliseconds: up to one is lost in an exchange, and up to one in comparing the own two clocks. */
const RESOLUTION_MS = 2;
/** The own wall clock was set if it went otherwise than the monotonic one by more than reading them may make up. */
const SET_MS = 5;

export function learnExchange(samples: ClockSamples, exchange: ClockExchange): ClockSamples {
  const sample = sampleOf(exchange);
  const newest = samples.at(-1);
  if (sample === null || (newest !== undefined && sample.askedMs < newest.askedMs)) return samples;
  const now: ClockReading = { monotonicMs: exchange.answeredMs, wallMs: exchange.wallMs };
  const agreeing = samples.filter((older) => {
    const aged = agedOffset(older, now);
    return aged !== null && Math.abs(aged.offsetMs - sample.offset.offsetMs) <= aged.errorMs + sample.offset.errorMs;
  });
  return [...agreeing, sample].slice(-MOST_SAMPLES);
}

/** The surest of what is remembered; `null` if nothing holds any more. */
export function estimateOffset(samples: ClockSamples, now: ClockReading): ClockOffset | null {
  return samples.reduce<ClockOffset | null>((best, sample) => {
    const aged = agedOffset(sample, now);
    return aged !== null && (best === null || aged.errorMs <= best.errorMs) ? aged : best;
  }, null);
}

/** `null`: the other clock was set between its two stamps, so that they say nothing. */
function sampleOf({ askedMs, answeredMs, wallMs, receivedMs, sentMs }: ClockExchange): Sample | null {
  const underWayMs = answeredMs - askedMs - (sentMs - receivedMs);
  if (sentMs < receivedMs || underWayMs < -RESOLUTION_MS) return null;
  const wallAheadMs = wallMs - answeredMs;
  const offsetMs = (receivedMs + sentMs) / 2 - (askedMs + answeredMs) / 2 - wallAheadMs;
  return { offset: { offsetMs, errorMs: Math.max(0, underWayMs / 2) + RESOLUTION_MS }, askedMs, wallAheadMs };
}

/** `null`: too old, or from before the own clock was set. */
function agedOffset({ offset, askedMs, wallAheadMs }: Sample, now: ClockReading): ClockOffset | null {
  const ageMs = now.monotonicMs - askedMs;
  const setMs = Math.abs(now.wallMs - now.monotonicMs - wallAheadMs);
  if (ageMs > LONGEST_MS || setMs > SET_MS) return null;
  return { offsetMs: offset.offsetMs, errorMs: offset.errorMs + setMs + Math.max(0, ageMs) * DRIFT };
}
