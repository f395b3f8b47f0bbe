import { describe, expect, it } from "vitest";
import { ControlCarrier } from "../../host/control-carrier.ts";
import type { Ask } from "../../host/control-link.ts";
import { HOST, PROXY } from "../shared/wire/nodes.ts";

function carrier() {
  const asks: Ask[] = [];
  const timers: (() => void)[] = [];
  const clock = {
    monotonicMs: () => 1000,
    wallMs: () => 0,
    after: (_: number, run: () => void) => {
      const at = timers.push(run) - 1;
      return () => void (timers[at] = () => {});
    },
  };
  const carrying = new ControlCarrier({ post: (ask) => asks.push(ask), clock, host: HOST });
  const ask = () => carrying.ask("appended", { body: { pool: "main", slot: 1 }, from: PROXY, waitMs: 500 });
  return { carrying, asks, ask, expire: () => timers.splice(0).forEach((run) => run()) };
}

describe("what is carried to the main thread", () => {
  it("says until when it may be begun", async () => {
    const { carrying, asks, ask } = carrier();
    const asked = ask();
    expect(asks).toMatchObject([{ id: 1, name: "appended", from: PROXY, expiresMs: 1500 }]);
    carrying.reply({ type: "settled", id: 1, answer: { slot: 1 } });
    expect(await asked).toEqual({ type: "answered", answer: { slot: 1 } });
  });

  it("is late, begun or not, and what comes after that is ignored", async () => {
    const { carrying, ask, expire } = carrier();
    const begun = ask();
    const waiting = ask();
    carrying.reply({ type: "taken", id: 1 });
    expire();
    expect(await begun).toEqual({ type: "late", state: "taken" });
    expect(await waiting).toEqual({ type: "late", state: "untaken" });
    carrying.reply({ type: "settled", id: 1, answer: { slot: 1 } });
    carrying.reply({ type: "failed", id: 2, code: "HS_NOT_PRIMARY", details: {} });
  });

  it("is bounded: a main thread that takes nothing is not sent more", async () => {
    const { asks, ask, expire } = carrier();
    const waiting = Array.from({ length: 256 }, ask);
    await expect(ask()).rejects.toMatchObject({ code: "HS_MAIN_STALLED" });
    expect(asks).toHaveLength(256);
    expire();
    await Promise.all(waiting);
    void ask();
    expect(asks).toHaveLength(257);
  });
});
