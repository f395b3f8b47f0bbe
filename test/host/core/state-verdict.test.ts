import { describe, expect, test } from "vitest";
import { judgeOwnState } from "../../../host/core/state-verdict.ts";
import type { Claim } from "../../../host/core/attestation.ts";
import type { NodeId, Sha256 } from "../../../shared/ids.ts";
import { slot } from "../../../shared/position.ts";

const [a, b, c] = ["host-a", "host-b", "host-c"] as NodeId[] as [NodeId, NodeId, NodeId];
const claim = (host: NodeId, hash: string, at = 7): Claim => ({
  host,
  slot: slot(at),
  hash: hash as Sha256,
  how: "hashed",
});

describe("whose state is wrong", () => {
  test("nobody's, where all agree or marks differ", () => {
    expect(judgeOwnState(a, b, [claim(a, "x"), claim(b, "x"), claim(c, "x")])).toBeNull();
    expect(judgeOwnState(a, b, [claim(a, "x", 7), claim(b, "y", 8)])).toBeNull();
  });

  test("the one that differs from a majority of three, also if it is the primary", () => {
    const claims = [claim(a, "bad"), claim(b, "x"), claim(c, "x")];
    expect(judgeOwnState(a, a, claims)).toMatchObject({ slot: 7 });
    expect(judgeOwnState(b, a, claims)).toBeNull();
  });

  test("of two, the standby's: the primary's is what clients have seen", () => {
    const claims = [claim(a, "x"), claim(b, "y")];
    expect(judgeOwnState(a, a, claims)).toBeNull();
    expect(judgeOwnState(b, a, claims)).toMatchObject({ slot: 7, reason: expect.stringContaining("host-a") });
  });

  test("without a majority every standby that differs from the primary is", () => {
    const claims = [claim(a, "x"), claim(b, "y"), claim(c, "z")];
    expect([a, b, c].map((self) => judgeOwnState(self, a, claims) !== null)).toEqual([false, true, true]);
  });

  test("what was restored is no word on the own state", () => {
    expect(judgeOwnState(a, b, [{ ...claim(a, "x"), how: "restored" }, claim(b, "y")])).toBeNull();
  });
});
