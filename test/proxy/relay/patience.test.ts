/** Clients that take their time: in virtual time, over sockets that say what they did. */
import { describe, expect, it } from "vitest";
import { Patience, type Phase } from "../../../proxy/relay/patience.ts";

interface Progress {
  bytesRead: number;
  bytesWritten: number;
  writableLength: number;
}

/** The sweep at which it is over, at most `sweeps`; `step` is what happens between two. */
function endsAt(phase: Phase, sweeps: number, step: (socket: Progress) => void = () => undefined): number | null {
  const socket = { bytesRead: 0, bytesWritten: 0, writableLength: 0 };
  const patience = new Patience();
  for (let sweep = 0; sweep < sweeps; sweep++) {
    if (patience.isOver(phase, socket)) return sweep;
    step(socket);
  }
  return null;
}

describe("patience with a client", () => {
  it.each<[Phase, number]>([
    ["idle", 60],
    ["head", 10],
    ["body", 30],
    ["closing", 2],
  ])("that does nothing while %s is over after %i seconds", (phase, seconds) => {
    const end = endsAt(phase, 1000);
    expect(end).toBeGreaterThan(seconds - 1);
    expect(end).toBeLessThan(seconds + 3);
  });

  it("does not grow with a head that comes octet by octet", () => {
    expect(endsAt("head", 1000, (socket) => (socket.bytesRead += 1))).toBeLessThan(13);
  });

  it("does not grow with a body that comes octet by octet", () => {
    expect(endsAt("body", 1000, (socket) => (socket.bytesRead += 1))).toBeLessThan(33);
  });

  it("has no end with a body that comes at a modest rate", () => {
    expect(endsAt("body", 1000, (socket) => (socket.bytesRead += 1000))).toBeNull();
  });

  it("has no end while the client waits for the proxy", () => {
    expect(endsAt("answer", 1000)).toBeNull();
  });

  it("is over with a client that does not read its answer, and not with one that reads it slowly", () => {
    const stuck = (socket: Progress): void => void (socket.writableLength = 100_000);
    expect(endsAt("answer", 1000, stuck)).toBeLessThan(63);
    const slow = (socket: Progress): void => {
      socket.writableLength = 100_000;
      socket.bytesWritten += 1000;
    };
    expect(endsAt("answer", 1000, slow)).toBeNull();
  });
});
