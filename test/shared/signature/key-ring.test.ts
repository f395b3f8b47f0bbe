import { beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../shared/clock.ts";
import { systemRandom } from "../../../shared/random.ts";
import { KeyRing, RETIRED_MS } from "../../../shared/signature/key-ring.ts";
import { signAnswer, signRequest, verifyAnswer, verifyRequest } from "../../../shared/signature/message-signature.ts";
import { makeNonce, makeSeries } from "../../../shared/signature/nonce.ts";

const OLD = Buffer.alloc(32, 1);
const NEW = Buffer.alloc(32, 2);
/** What the file of a machine holds before and after each documented step. */
const STEPS = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]] as const;

let nowMs = 0;
const clock: Clock = { monotonicMs: () => nowMs, wallMs: () => 0, after: () => () => {} };
const ring = (...secrets: readonly Buffer[]): KeyRing => new KeyRing(secrets, clock);
const idOf = (secret: Buffer): string => ring(secret).signing.id;
beforeEach(() => {
  nowMs = 0;
});

/** One message and its answer; `between` happens while each is on its way. `null`: all was accepted. */
async function converse(from: KeyRing, to: KeyRing, between: () => void = () => {}): Promise<string | null> {
  const request = { method: "POST", authority: "a", target: "/x", body: Buffer.from("{}") };
  const nonce = makeNonce(makeSeries(systemRandom), 1, systemRandom);
  const { signing } = from;
  const fields = await signRequest(signing, request, { nonce, createdMs: 1000 });
  between();
  const heard = await verifyRequest(to, { ...request, fields });
  if (heard.type === "refused") return `the request: ${heard.reason}`;
  const answer = { status: 200, requestNonce: nonce.text, body: Buffer.from("{}") };
  between();
  const answered = { ...answer, fields: await signAnswer(heard.key, answer, 1000) };
  const verdict = await verifyAnswer({ accepted: (id) => (id === signing.id ? signing : from.accepted(id)) }, answered);
  return verdict.type === "valid" ? null : `the answer: ${verdict.reason}`;
}

describe("a rotation", () => {
  it("refuses nothing while some machines have made a step and others have not", async () => {
    for (let step = 0; step + 1 < STEPS.length; step++) {
      const around = STEPS.slice(step, step + 2);
      for (const one of around)
        for (const other of around) {
          expect(await converse(ring(...one), ring(...other)), `step ${step + 1}`).toBeNull();
        }
    }
  });

  it("refuses nothing that was on its way while both sides made the step", async () => {
    for (let step = 0; step + 1 < STEPS.length; step++) {
      const [from, to] = [ring(...(STEPS[step] ?? [])), ring(...(STEPS[step] ?? []))];
      const both = (): void => [from, to].forEach((node) => void node.replace(STEPS[step + 1] ?? []));
      expect(await converse(from, to, both), `step ${step + 1}`).toBeNull();
    }
  });

  it("is needed: who skips a step is refused", async () => {
    expect(await converse(ring(NEW, OLD), ring(OLD))).toMatch("the request: the key is not known");
    expect(await converse(ring(OLD, NEW), ring(NEW))).toMatch("the request: the key is not known");
  });
});

describe("a ring of keys", () => {
  it("signs with the first, accepts all, and shows ids only", () => {
    const both = ring(OLD, NEW);
    expect(both.keyIds()).toEqual([idOf(OLD), idOf(NEW)]);
    expect(both.signing.id).toBe(idOf(OLD));
    expect(both.accepted(idOf(NEW))?.id).toBe(idOf(NEW));
    expect(both.accepted("0".repeat(16))).toBeNull();
    expect(JSON.stringify(both)).toBe("{}");
  });

  it("accepts a key that was taken away for a moment more, and reports it no longer", () => {
    const keys = ring(OLD, NEW);
    keys.replace([NEW]);
    expect(keys.keyIds()).toEqual([idOf(NEW)]);
    nowMs = RETIRED_MS - 1;
    expect(keys.accepted(idOf(OLD))?.id).toBe(idOf(OLD));
    nowMs = RETIRED_MS;
    expect(keys.accepted(idOf(OLD))).toBeNull();
  });

  it("remembers few of the keys that were taken away, however often they change", () => {
    const keys = ring(OLD);
    for (let at = 3; at < 40; at++) keys.replace([Buffer.alloc(32, at)]);
    const kept = Array.from({ length: 39 }, (_, at) => keys.accepted(idOf(Buffer.alloc(32, at + 1)))).filter(Boolean);
    expect(kept).toHaveLength(1 + 8);
  });

  it("tells of a replacement, and of none where the keys are those that it has", () => {
    const keys = ring(OLD);
    let told = 0;
    const stop = keys.onReplaced(() => void told++);
    expect([keys.replace([OLD]), told]).toEqual([false, 0]);
    expect([keys.replace([OLD, NEW]), told]).toEqual([true, 1]);
    expect([keys.replace([NEW, OLD]), told]).toEqual([true, 2]);
    stop();
    expect([keys.replace([NEW]), told]).toEqual([true, 2]);
  });
});
