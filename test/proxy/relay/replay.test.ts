import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../shared/system-clock.ts";
import { until } from "../../until.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";
import { codeOf, open, send } from "./raw-client.ts";

let plane: Plane;

describe("a request whose host fails it", () => {
  beforeEach(async () => {
    plane = await startPlane();
  });
  afterEach(() => plane.stop());

  it("is given to the host of the route with the fields that name it, and its answer loses those that are internal", async () => {
    plane.a.script = (_, response) => {
      response.setHeader("Hotspare-Lsn", "7");
      response.setHeader("Hotspare-Owner", "host-a");
      response.end("done");
    };
    plane.routeTo(plane.a, 3);
    const answer = await send(plane.address, { method: "POST", path: "/x?y=1&&z=%20" }, "body");
    expect(answer).toMatchObject({ status: 200, body: "done", headers: { "hotspare-lsn": "7" } });
    expect(answer.headers).not.toHaveProperty("hotspare-owner");
    expect(plane.a.received[0]).toMatchObject({
      method: "POST",
      url: "/x?y=1&&z=%20",
      body: "body",
      headers: {
        "hotspare-pool": "main",
        "hotspare-epoch": "3",
        "hotspare-request": `${"7".repeat(32)}-1`,
        "hotspare-attempt": "1",
        "hotspare-log-time": "1234",
      },
    });
  });

  it("reset before its answer began: is sent again with its body, as the same request, the next attempt", async () => {
    plane.a.script = () => {
      plane.plane.setRoute(MAIN, null);
      plane.a.kill();
    };
    plane.routeTo(plane.a, 1);
    const sent = send(plane.address, { method: "POST" }, "once");
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.b, 2);
    const answer = await sent;
    expect(answer.body).toBe("host-b");
    expect(answer.headers["server-timing"]).toMatch(/^park;dur=\d+\.\d$/);
    const [first, second] = [plane.a.received[0]!, plane.b.received[0]!];
    expect(second.body).toBe("once");
    expect(second.headers["hotspare-request"]).toBe(first.headers["hotspare-request"]);
    expect([first.headers["hotspare-attempt"], second.headers["hotspare-attempt"]]).toEqual(["1", "2"]);
    expect(plane.troubles).toContain(plane.a.id);
  });

  it("answered not-primary: is sent again and that was no execution", async () => {
    plane.a.script = (_, response) => {
      plane.plane.setRoute(MAIN, null);
      response.writeHead(503, { "Hotspare-Outcome": "not-primary" }).end("{}");
    };
    plane.routeTo(plane.a, 1);
    const sent = send(plane.address, { method: "POST" }, "x");
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.b, 2);
    expect((await sent).body).toBe("host-b");
    expect(plane.b.received[0]!.headers["hotspare-attempt"]).toBe("1");
  });

  it("answered not-applied again and again by the same host: is tried again until the host serves, not in a busy loop", async () => {
    plane.a.script = (_, response) => {
      if (plane.a.received.length < 4) response.writeHead(503, { "Hotspare-Outcome": "not-applied" }).end();
      else response.end("at last");
    };
    plane.routeTo(plane.a, 1);
    expect((await send(plane.address, { method: "PUT" }, "x")).body).toBe("at last");
    expect(plane.a.received).toHaveLength(4);
  });

  it("broken by a host that dies slowly: is not given to it again before it has shown that it lives", async () => {
    // The process is gone, but its port takes connections for a while and resets them.
    plane.a.script = (_, __, socket) => {
      plane.a.state = "paused";
      socket.resetAndDestroy();
    };
    plane.routeTo(plane.a, 1);
    const sent = send(plane.address, { method: "POST" }, "x");
    await until(() => plane.plane.parked(MAIN).requests === 1);
    const before = systemClock.monotonicMs() - 10_000;
    plane.plane.hostLives(plane.a.id, before);
    plane.plane.hostLives(plane.b.id, systemClock.monotonicMs());
    expect(plane.plane.parked(MAIN).requests).toBe(1);
    plane.routeTo(plane.b, 2);
    expect((await sent).body).toBe("host-b");
    expect(plane.a.received).toHaveLength(1);
  });

  it("killing two hosts: is not carried to a third, HS_REQUEST_POISON", async () => {
    const kill: Plane["a"]["script"] = (_, __, socket) => socket.resetAndDestroy();
    plane.a.script = kill;
    plane.b.script = kill;
    plane.routeTo(plane.a, 1);
    const answer = await send(plane.address, { method: "POST" }, "poison");
    expect([answer.status, codeOf(answer)]).toEqual([502, "HS_REQUEST_POISON"]);
    expect(plane.a.received.length + plane.b.received.length).toBe(2);
  });

  it("held for dead by mistake: goes to it again, and that was no execution", async () => {
    const answers: (() => void)[] = [];
    plane.a.script = (_, response) => void answers.push(() => response.end("late"));
    plane.routeTo(plane.a, 1);
    const sent = send(plane.address, { method: "POST" }, "x");
    for (let alarm = 1; alarm <= 3; alarm++) {
      await until(() => answers.length === alarm);
      plane.plane.abandon(MAIN, plane.a.id, 1);
    }
    await until(() => answers.length === 4);
    expect(plane.a.received.at(-1)!.headers["hotspare-attempt"]).toBe("4");
    // And then it really dies: that is the first one.
    plane.plane.setRoute(MAIN, null);
    plane.a.kill();
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.b, 2);
    expect((await sent).body).toBe("host-b");
  });

  it("killed with its host among others: those that were there go to the next one by one, others beside them", async () => {
    const atOnce = { now: 0, most: 0 };
    plane.a.script = () => undefined;
    plane.b.script = ({ url }, response) => {
      if (url === "/fresh") return void response.end("fresh");
      atOnce.most = Math.max(atOnce.most, (atOnce.now += 1));
      setTimeout(() => {
        atOnce.now -= 1;
        response.end("suspect");
      }, 5);
    };
    plane.routeTo(plane.a, 1);
    const suspects = Array.from({ length: 10 }, () => send(plane.address, { method: "PUT" }, "x"));
    await until(() => plane.a.received.length === 10);
    plane.plane.setRoute(MAIN, null);
    plane.a.kill();
    await until(() => plane.plane.parked(MAIN).requests === 10);
    const fresh = Array.from({ length: 5 }, () => send(plane.address, { path: "/fresh" }));
    await until(() => plane.plane.parked(MAIN).requests === 15);
    plane.routeTo(plane.b, 2);
    expect((await Promise.all(fresh)).map(({ body }) => body)).toEqual(Array.from({ length: 5 }, () => "fresh"));
    expect((await Promise.all(suspects)).map(({ body }) => body)).toEqual(Array.from({ length: 10 }, () => "suspect"));
    expect(atOnce.most).toBe(1);
  });

  it("paused before it answers: is taken away when the host is abandoned, and the late answer reaches nobody", async () => {
    let late: (() => void) | null = null;
    plane.a.script = (_, response) => (late = () => response.end("late"));
    plane.routeTo(plane.a, 1);
    const sent = send(plane.address, { method: "POST" }, "x");
    await until(() => late !== null);
    plane.routeTo(plane.b, 2);
    plane.plane.abandon(MAIN, plane.a.id, 1);
    late!();
    expect(await sent).toMatchObject({ status: 200, body: "host-b" });
    await until(() => plane.a.sockets.size === 0);
  });

  it("in the middle of a small answer: is sent again, and its client sees one whole answer", async () => {
    plane.a.script = (_, response, socket) => {
      plane.plane.setRoute(MAIN, null);
      response.writeHead(200, { "Content-Length": "100" });
      response.write("half", () => socket.resetAndDestroy());
    };
    plane.routeTo(plane.a, 1);
    const sent = send(plane.address, { method: "POST" }, "x");
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.b, 2);
    expect(await sent).toMatchObject({ status: 200, broken: false, body: "host-b" });
  });

  it("in the middle of a small answer, abandoned with its host: is sent again, and nobody sees the half", async () => {
    let began = false;
    plane.a.script = (_, response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("half", () => (began = true));
    };
    plane.routeTo(plane.a, 1);
    const sent = send(plane.address);
    await until(() => began);
    plane.routeTo(plane.b, 2);
    plane.plane.abandon(MAIN, plane.a.id, 1);
    expect(await sent).toMatchObject({ status: 200, broken: false, body: "host-b" });
  });

  it("in the middle of a small answer, again and again: is poison, never a short answer", async () => {
    plane.a.script = (_, response, socket) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("half", () => socket.resetAndDestroy());
    };
    plane.routeTo(plane.a, 1);
    const answer = await send(plane.address);
    expect([answer.status, codeOf(answer), plane.a.received.length]).toEqual([502, "HS_REQUEST_POISON", 2]);
  });

  it("whose long answer breaks in the middle: the client sees that the end is missing", async () => {
    plane.a.script = (_, response, socket) => {
      response.writeHead(200, { "Content-Length": "1000000" });
      response.write("half", () => socket.resetAndDestroy());
    };
    plane.routeTo(plane.a, 1);
    expect(await send(plane.address)).toMatchObject({ broken: true, body: "half" });
    expect(plane.a.received).toHaveLength(1);
  });

  it("whose answer in chunks breaks after it began: the client sees that the end is missing", async () => {
    let breakOff: (() => void) | null = null;
    plane.a.script = (_, response, socket) => {
      response.write("half");
      breakOff = () => socket.resetAndDestroy();
    };
    plane.routeTo(plane.a, 1);
    const sent = open(plane.address);
    sent.end();
    await until(() => sent.began());
    breakOff!();
    expect(await sent.answer).toMatchObject({ broken: true, body: "half" });
  });

  it("whose answer began at a host that was abandoned: may end, else is cut off after a while", async () => {
    plane.a.script = (_, response) => void response.write("half");
    plane.routeTo(plane.a, 1);
    const sent = open(plane.address);
    sent.end();
    await until(() => sent.began());
    plane.routeTo(plane.b, 2);
    plane.plane.abandon(MAIN, plane.a.id, 1);
    expect(await sent.answer).toMatchObject({ broken: true, body: "half" });
    expect(plane.b.received).toHaveLength(0);
  });

  it("with a stream of events is ended in order when its host is abandoned: the client connects anew", async () => {
    plane.a.script = (_, response) =>
      void response.writeHead(200, { "Content-Type": "text/event-stream" }).write("data: 1\n\n");
    plane.routeTo(plane.a, 1);
    const sent = open(plane.address);
    sent.end();
    await until(() => sent.began());
    plane.routeTo(plane.b, 2);
    plane.plane.abandon(MAIN, plane.a.id, 1);
    expect(await sent.answer).toMatchObject({ broken: false, body: "data: 1\n\n" });
    await until(() => plane.a.sockets.size === 0);
  });

  it.each(["HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "nonsense\r\n\r\n"])(
    "with what is no answer (%j): HS_OUTCOME_UNKNOWN, and it is not asked again",
    async (text) => {
      plane.a.script = (_, __, socket) => socket.end(text);
      plane.routeTo(plane.a, 1);
      const answer = await send(plane.address, { method: "POST" }, "x");
      expect([answer.status, codeOf(answer), plane.a.received.length]).toEqual([502, "HS_OUTCOME_UNKNOWN", 1]);
    },
  );
});

describe("a request that may not be sent again", () => {
  afterEach(() => plane.stop());

  it("because its body passed the bound: HS_OUTCOME_UNKNOWN", async () => {
    plane = await startPlane({ replay: { attempts: 2, bodyBytes: 1000, answerBytes: 32 * 1024, policy: "keyed" } });
    plane.a.script = () => plane.a.kill();
    plane.routeTo(plane.a, 1);
    const answer = await send(plane.address, { method: "POST" }, "x".repeat(5000));
    expect([answer.status, codeOf(answer)]).toEqual([502, "HS_OUTCOME_UNKNOWN"]);
    expect(plane.plane.parked(MAIN)).toEqual({ requests: 0, bytes: 0 });
  });

  it("because all kept bodies together pass the pool's bound: HS_OUTCOME_UNKNOWN", async () => {
    plane = await startPlane({ park: { requests: 10, bytes: 3000, waitMs: 5000 } });
    plane.a.script = () => plane.a.kill();
    plane.routeTo(plane.a, 1);
    const answer = await send(plane.address, { method: "POST" }, "x".repeat(5000));
    expect([answer.status, codeOf(answer)]).toEqual([502, "HS_OUTCOME_UNKNOWN"]);
  });

  it.each([
    ["never", "GET", 502],
    ["safe", "POST", 502],
    ["safe", "GET", 200],
    ["keyed", "POST", 200],
  ] as const)("policy %s, %s that broke: %i", async (policy, method, status) => {
    plane = await startPlane({ replay: { attempts: 2, bodyBytes: 1000, answerBytes: 32 * 1024, policy } });
    let calls = 0;
    plane.a.script = (_, response, socket) => (++calls === 1 ? socket.resetAndDestroy() : response.end("ok"));
    plane.routeTo(plane.a, 1);
    const answer = await send(plane.address, { method });
    expect(answer.status).toBe(status);
    if (status !== 502) return;
    expect(codeOf(answer)).toBe("HS_OUTCOME_UNKNOWN");
    expect(JSON.parse(answer.body)).toMatchObject({ details: { effect: method === "GET" ? "none" : "possible" } });
  });

  it("because one attempt is all that is configured: HS_OUTCOME_UNKNOWN, not poison", async () => {
    plane = await startPlane({ replay: { attempts: 1, bodyBytes: 1000, answerBytes: 32 * 1024, policy: "keyed" } });
    plane.a.script = (_, __, socket) => socket.resetAndDestroy();
    plane.routeTo(plane.a, 1);
    expect(codeOf(await send(plane.address, { method: "POST" }))).toBe("HS_OUTCOME_UNKNOWN");
    expect(plane.a.received).toHaveLength(1);
  });
});

describe("a body", () => {
  beforeEach(async () => {
    plane = await startPlane({ replay: { attempts: 2, bodyBytes: 1024, answerBytes: 32 * 1024, policy: "keyed" } });
  });
  afterEach(() => plane.stop());

  it("far beyond what is kept streams through whole", async () => {
    plane.a.script = ({ body }, response) => response.end(String(body.length));
    plane.routeTo(plane.a, 1);
    expect((await send(plane.address, { method: "POST" }, Buffer.alloc(5_000_000, "x"))).body).toBe("5000000");
  });

  it("that is half sent when the host dies goes on to the next host from its beginning", async () => {
    plane.routeTo(plane.a, 1);
    const sent = open(plane.address, { method: "POST" });
    sent.write("first ");
    await until(() => plane.a.sockets.size === 1);
    await until(() => plane.plane.parked(MAIN).bytes === 6);
    plane.routeTo(plane.b, 2);
    plane.plane.abandon(MAIN, plane.a.id, 1);
    sent.write("second");
    sent.end();
    expect((await sent.answer).body).toBe("host-b");
    expect(plane.b.received[0]!.body).toBe("first second");
  });

  it("of a DELETE in chunks arrives as a body, not as a request of its own", async () => {
    plane.routeTo(plane.a, 1);
    const sent = open(plane.address, { method: "DELETE", headers: { "Transfer-Encoding": "chunked" } });
    sent.write("GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    sent.end();
    expect((await sent.answer).status).toBe(200);
    expect(plane.a.received).toHaveLength(1);
    expect(plane.a.received[0]!.body).toContain("/smuggled");
  });

  it("announced with Expect is asked for only when there is a route", async () => {
    const sent = open(plane.address, { method: "POST", headers: { Expect: "100-continue", "Content-Length": "2" } });
    sent.write("");
    await until(() => plane.plane.parked(MAIN).requests === 1);
    plane.routeTo(plane.a, 1);
    sent.write("ok");
    sent.end();
    expect((await sent.answer).status).toBe(200);
    expect(plane.a.received[0]).toMatchObject({ body: "ok" });
    expect(plane.a.received[0]!.headers).not.toHaveProperty("expect");
  });
});
