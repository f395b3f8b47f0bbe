import { describe, expect, it } from "vitest";
import { parseNodeId } from "../../../shared/ids.ts";
import { newPeer, peerForgiven, peerHeard, peerRefused, peerState } from "../../../proxy/core/peers.ts";

const BOUNDS = { suspectMs: 1500, deadMs: 4500 };
const unheard = newPeer(parseNodeId("proxy-2"), 0);
const heard = peerHeard(unheard, 100);

describe("another proxy", () => {
  it.each([
    ["that was never heard, at first", unheard, 1499, "unknown"],
    ["that was never heard, for long", unheard, 1500, "suspect"],
    ["that was never heard, for very long", unheard, 4500, "dead"],
    ["that was heard a moment ago", heard, 1599, "alive"],
    ["whose beat stands still", heard, 1600, "suspect"],
    ["whose beat stands still for long", heard, 4600, "dead"],
    ["that refuses connections", peerRefused(heard, 200), 200, "suspect"],
    ["that refused, and whose beat went on: it refutes it", peerHeard(peerRefused(heard, 200), 300), 300, "alive"],
    ["that was dead and beats again", peerHeard(heard, 9000), 9000, "alive"],
    ["when this proxy itself was away", peerForgiven(heard, 9000), 9101, "alive"],
    ["that was silent before this proxy itself was away", peerForgiven(heard, 9000), 9100 + 1500, "suspect"],
    ["that was dead before this proxy itself was away", peerForgiven(heard, 9000), 9100 + 4500, "dead"],
    ["that was never heard, when this proxy was away", peerForgiven(unheard, 9000), 9001, "unknown"],
  ] as const)("%s", (_, peer, nowMs, state) => expect(peerState(peer, nowMs, BOUNDS)).toBe(state));
});
