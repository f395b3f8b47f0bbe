/** A proxy that stops while clients keep connections of HTTP/2 to it: it says so, answers what it owes, and ends. */
import { constants, type ClientHttp2Session } from "node:http2";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { Authority } from "../../certificates.ts";
import { until } from "../../until.ts";
import { askH2, openH2, openSession } from "./h2-session.ts";
import { MAIN, startPlane, type Plane } from "./plane.ts";
import { FRAME, GET, RawH2 } from "./raw-h2.ts";

const authority = new Authority();
const tls = authority.issue("public");
afterAll(() => authority.remove());

/** Longer than a test may take: nothing here ends by being broken off. */
const GRACE_MS = 600_000;

describe("a proxy that stops", () => {
  let plane: Plane;
  let session: ClientHttp2Session;
  let goaways: [code: number, lastStream: number][];
  beforeEach(async () => {
    plane = await startPlane({}, { tls: { ...tls, ca: null } });
    plane.routeTo(plane.a, 1);
    session = openSession(plane.address, authority.ca);
    goaways = [];
    session.on("goaway", (code, lastStream) => goaways.push([code, lastStream]));
    await askH2(session);
  });
  afterEach(async () => {
    session.destroy();
    await plane.stop();
  });

  it("says GOAWAY, answers the streams that are under way, and then ends their connection", async () => {
    const finish: (() => void)[] = [];
    plane.a.script = (_, response) => void finish.push(() => response.end("late"));
    const sent = [openH2(session, {}, true), openH2(session, { ":method": "POST" }, true)];
    await until(() => finish.length === 2);
    const stopped = plane.plane.stop(GRACE_MS);
    await until(() => goaways.length > 0);
    expect(goaways[0]).toEqual([constants.NGHTTP2_NO_ERROR, sent[1]!.stream.id]);
    finish.forEach((end) => end());
    const answers = await Promise.all(sent.map(({ answer }) => answer));
    expect(answers).toMatchObject(sent.map(() => ({ status: 200, body: "late", code: 0 })));
    await stopped;
    expect(goaways.every(([code]) => code === constants.NGHTTP2_NO_ERROR)).toBe(true);
  });

  it("answers what comes before it has said so", async () => {
    const stopped = plane.plane.stop(GRACE_MS);
    expect(await askH2(session, { ":method": "POST" }, "x")).toMatchObject({ status: 200, code: 0 });
    await stopped;
  });

  it("says which requests it has taken: one that was on its way can be sent again", async () => {
    plane.a.script = ({ url }, response) => (url === "/" ? undefined : void response.end());
    const raw = await RawH2.open(plane.address, authority.ca);
    raw.request(1, GET);
    await until(() => plane.a.received.length === 2);
    const stopped = plane.plane.stop(GRACE_MS);
    const goaway = (): Buffer | undefined => raw.frames.find(({ type }) => type === FRAME.goaway)?.payload;
    await until(() => goaway() !== undefined);
    expect([goaway()?.readUInt32BE(0), goaway()?.readUInt32BE(4)]).toEqual([1, constants.NGHTTP2_NO_ERROR]);
    raw.request(3, GET);
    raw.frame(FRAME.reset, 0, 1, Buffer.from([0, 0, 0, constants.NGHTTP2_CANCEL]));
    await stopped;
    expect(plane.a.received).toHaveLength(2);
  });

  it("does not wait for a connection that nothing comes on", async () => {
    const raw = await RawH2.open(plane.address, authority.ca);
    await plane.plane.stop(GRACE_MS);
    await until(() => raw.closed);
    expect(raw.goneWith).toBe(constants.NGHTTP2_NO_ERROR);
  });

  it("turns away what is parked when its time is over, with 503", async () => {
    plane.plane.setRoute(MAIN, null);
    const parked = [askH2(session), askH2(session, { ":method": "POST" }, "x")];
    await until(() => plane.plane.parked(MAIN).requests === 2);
    await plane.plane.stop(1);
    expect(await Promise.all(parked)).toMatchObject([{ status: 503 }, { status: 503 }]);
  });

  it("breaks off what goes on when its time is over, such that its client sees it", async () => {
    plane.a.script = (_, response) => void response.write("data");
    const sent = openH2(session, {}, true);
    await until(sent.began);
    await plane.plane.stop(1);
    const { status, code } = await sent.answer;
    expect([status, code !== 0]).toEqual([200, true]);
  });
});
