/** When a pool goes back to a preferred host: only to one that stays, and never quickly back and forth. */
import { describe, expect, test } from "vitest";
import { parseNodeId } from "../../../shared/ids.ts";
import { NOBODY_FIT, preferredOver, stepFailback, type Sight } from "../../../host/core/failback.ts";

const [A, B, C] = ["host-a", "host-b", "host-c"].map(parseNodeId) as [
  ReturnType<typeof parseNodeId>,
  ReturnType<typeof parseNodeId>,
  ReturnType<typeof parseNodeId>,
];
const STABLE_MS = 100;

/** What is seen at a moment: who is fit, in which life. */
type Seen = readonly [atMs: number, fit: readonly string[], more?: Partial<Sight>];

/** To whom the pool is handed over at each moment. */
function play(...seen: readonly Seen[]): readonly (string | null)[] {
  let fitSince = NOBODY_FIT;
  return seen.map(([atMs, fit, more]) => {
    const hosts = fit.map((life) => ({ host: parseNodeId(life.slice(0, 6)), bootId: life.slice(6) }));
    const sight: Sight = { fit: hosts, servingSinceMs: 0, inMaintenance: false, ...more };
    const step = stepFailback(fitSince, sight, atMs, STABLE_MS);
    fitSince = step.fitSince;
    return step.to;
  });
}

describe("a primary hands over", () => {
  const cases: readonly (readonly [string, readonly Seen[], readonly (string | null)[]])[] = [
    [
      "to a host that was fit for long enough",
      [
        [500, [A]],
        [599, [A]],
        [600, [A]],
      ],
      [null, null, A],
    ],
    [
      "to the most preferred of two",
      [
        [500, [A, B]],
        [600, [A, B]],
      ],
      [null, A],
    ],
    [
      "to the next one while the first is not there for long",
      [
        [500, [B]],
        [590, [A, B]],
        [600, [A, B]],
      ],
      [null, null, B],
    ],
    [
      "not to one that was gone in between",
      [
        [500, [A]],
        [550, []],
        [600, [A]],
        [699, [A]],
      ],
      [null, null, null, null],
    ],
    [
      "not to one that was started again in between",
      [
        [500, [A]],
        [600, [`${A}2`]],
        [700, [`${A}2`]],
      ],
      [null, null, A],
    ],
    [
      "not soon after its own takeover",
      [
        [0, [A]],
        [99, [A]],
        [100, [A]],
      ],
      [null, null, A],
    ],
    [
      "not soon after its own takeover, however long the other was fit",
      [
        [500, [A], { servingSinceMs: 450 }],
        [549, [A], { servingSinceMs: 450 }],
        [600, [A], { servingSinceMs: 450 }],
      ],
      [null, null, A],
    ],
    [
      "not in maintenance, and at once after it",
      [
        [500, [A]],
        [600, [A], { inMaintenance: true }],
        [601, [A]],
      ],
      [null, null, A],
    ],
    [
      "to nobody where nobody is fit",
      [
        [500, []],
        [900, []],
      ],
      [null, null],
    ],
  ];

  test.each(cases)("%s", (_, seen, told) => {
    expect(play(...seen)).toEqual(told);
  });
});

test.each([
  ["the most preferred one stays", A, [A, B, C], []],
  ["one in the middle", B, [A, B, C], [A]],
  ["one that is not named has all before it", C, [A, B], [A, B]],
])("who is preferred: %s", (_, self, preferred, over) => {
  expect(preferredOver(self, preferred)).toEqual(over);
});
