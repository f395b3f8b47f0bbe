/**
 * Hosts and proxies as a command meets them: listeners of signed messages that say what the test wrote, and remember what
 * they were told. Decisions are made by the production code; what follows from them, the test does.
 */
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Fastify, { type FastifyInstance } from "fastify";
import type { Clock } from "../../shared/clock.ts";
import { HotspareError } from "../../shared/errors.ts";
import { parseBootId, parseNodeId } from "../../shared/ids.ts";
import { decide, NO_DECISIONS, type Decisions } from "../../shared/revisions/decisions.ts";
import type { Revision } from "../../shared/revisions/revision.ts";
import { systemClock } from "../../shared/system-clock.ts";
import { mountMessages, type MessageHandlers } from "../../shared/wire/message-server.ts";
import type { Answer, MessageName, Request } from "../../shared/wire/messages.ts";
import type { HostReport, PoolReport } from "../../shared/wire/reports.ts";
import { fenceOf, hex, hostReport } from "../proxy/fake-host.ts";
import { hotspare, type Shown } from "./console.ts";

const SECRET = "ab".repeat(32);
const VAULT = hex(15);
const DECIDED_MS = 1_700_000_000_000;

interface Told {
  readonly to: string;
  readonly name: MessageName;
  readonly body: unknown;
}

export class FakeNodes {
  readonly told: Told[] = [];
  readonly reports = new Map<string, HostReport>();
  decisions: Decisions = NO_DECISIONS;
  /** How many revisions a proxy is behind, by its id. */
  readonly behind = new Map<string, number>();
  readonly revisions: Revision[] = [];
  /** Whether somebody else is always first. */
  conflict = false;
  /** Which handovers a primary refuses. */
  refuses: (asked: Request<"handover">) => boolean = () => false;
  /** What a host that is ordered does. */
  ordered: (host: string, order: Request<"promote">) => Answer<"promote"> = (host) => {
    this.serve(host, 2);
    return { outcome: "serving", reason: "", fence: this.#fence(host, 2), phases: {} };
  };
  /** What a proxy's admin listener says, or a host's probe, by its id. */
  readonly views = new Map<string, object>();
  enrolled: (host: string) => void = () => undefined;
  decided: (decisions: Decisions) => void = () => undefined;
  readonly #listeners = new Map<string, FastifyInstance>();
  readonly #file: string;
  readonly #extra: string;

  static async start(
    folder: string,
    { hosts = ["host-a", "host-b", "host-c"], proxies = ["proxy-1"], unwritten = [] as string[], extra = "" } = {},
  ): Promise<FakeNodes> {
    const nodes = new FakeNodes(folder, extra);
    for (const id of [...hosts, ...unwritten]) await nodes.#listen(id, nodes.#hostHandlers(id));
    for (const id of proxies)
      await nodes.#listen(id, { look: (body) => nodes.#note(id, "look", body, nodes.#seenBy(id)) });
    nodes.#write(hosts, proxies);
    [...hosts, ...unwritten].forEach((host) => nodes.follow(host));
    return nodes;
  }

  private constructor(folder: string, extra: string) {
    this.#file = join(folder, "hotspare.yaml");
    this.#extra = extra;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#listeners.keys()].map((id) => this.kill(id)));
  }

  /** Nobody listens at its address any more. */
  async kill(id: string): Promise<void> {
    const listener = this.#listeners.get(id);
    this.#listeners.delete(id);
    this.reports.delete(id);
    listener?.server.closeAllConnections();
    await listener?.close();
  }

  /** A host that is not in the file (`unwritten`) becomes part of the cluster. */
  add(id: string): void {
    const at = (port: number): string => `127.0.0.1:${port}`;
    const [listen, control] = [at(62_900), at(portOf(this.#listeners.get(id)))];
    const node = { kind: "host", id, listen, control, advertise: listen, data: "/data", candidate: true } as const;
    this.#decide({ base: this.decisions.revision, change: { type: "add", node }, by: "anna", reason: "" });
  }

  report(id: string, pool: Partial<PoolReport>, more: Partial<HostReport> = {}): void {
    this.reports.set(id, hostReport(id, hex(Number.parseInt(id.at(-1) ?? "0", 16)), pool, { vaultId: VAULT, ...more }));
  }

  serve(host: string, epoch: number): void {
    for (const [id, report] of this.reports) if (report.pools[0]?.serving) this.follow(id);
    this.report(host, { role: "primary", serving: true, fence: this.#fence(host, epoch) });
  }

  follow(host: string, pool: Partial<PoolReport> = {}): void {
    this.report(host, { role: "standby", fence: this.#fence("host-a", 1), ...pool });
  }

  /** What was said to nodes with this name, in order. */
  toldOf<Name extends MessageName>(name: Name): readonly { readonly to: string; readonly body: Request<Name> }[] {
    return this.told.filter((told) => told.name === name) as { to: string; body: Request<Name> }[];
  }

  run(
    args: readonly string[],
    ask?: (question: string) => Promise<string>,
    clock: Clock = systemClock,
  ): Promise<Shown> {
    const env = { SECRET, HOTSPARE_OPERATOR: "anna" };
    return hotspare([...args, "--config", this.#file], { env, clock, ...(ask && { ask }) });
  }

  #fence = (owner: string, epoch: number): NonNullable<PoolReport["fence"]> => fenceOf(owner, epoch, hex(epoch));

  #hostHandlers(id: string): MessageHandlers {
    return {
      heartbeat: async ({ originMs }, _, receivedMs) => {
        const report = this.reports.get(id);
        if (!report) throw new Error(`${id} is dead`);
        return { report, decisions: this.decisions, originMs, receivedMs, sentMs: receivedMs };
      },
      handover: async (body) => {
        if (this.refuses(body)) throw new HotspareError("HS_HANDOVER_REFUSED", { pool: body.pool, reason: "no" });
        const successor = body.to ?? "host-b";
        const fence = body.dryRun ? null : this.#fence(successor, 2);
        return this.#note(id, "handover", body, { successor, fence, pauseMs: 5, phases: {}, hosts: [] });
      },
      promote: async (body) => this.#note(id, "promote", body, this.ordered(id, body)),
      decide: async (body) => this.#note(id, "decide", body, this.#decide(body)),
      revisions: async () => ({ revisions: this.revisions, decisions: this.decisions }),
      enrol: async (body) => {
        this.enrolled(id);
        return this.#note(id, "enrol", body, { pools: this.reports.get(id)?.pools ?? [] });
      },
    };
  }

  #seenBy = (proxy: string): Answer<"look"> => ({ revision: this.decisions.revision - (this.behind.get(proxy) ?? 0) });

  #decide({ base, change, by, reason }: Request<"decide">): Answer<"decide"> {
    const decisions = decide(this.decisions, change, { by, atMs: DECIDED_MS, reason });
    if (decisions === null) return { changed: false, decisions: this.decisions };
    const first = { revision: base + 7, by: "bert", reason: "he was first" };
    if (this.conflict || base !== this.decisions.revision) throw new HotspareError("HS_DECISION_CONFLICT", first);
    this.decisions = decisions;
    const id = decisions.revision.toString(16).padStart(32, "0");
    this.revisions.push({ id, writtenBy: "host-a", by, atMs: DECIDED_MS, reason, change, decisions });
    this.decided(decisions);
    return { changed: true, decisions };
  }

  async #note<T>(to: string, name: MessageName, body: unknown, answer: T): Promise<T> {
    this.told.push({ to, name, body });
    return answer;
  }

  async #listen(id: string, handlers: MessageHandlers): Promise<void> {
    const fastify = Fastify({ forceCloseConnections: true });
    const bootId = parseBootId(hex(Number.parseInt(id.at(-1) ?? "0", 16)));
    const node = { self: parseNodeId(id), cluster: "demo", secret: Buffer.from(SECRET, "hex"), bootId };
    await mountMessages(fastify, { ...node, clock: systemClock, handlers, onRefused: () => undefined });
    for (const path of ["/api/v1/status", "/health"]) fastify.get(path, async () => this.views.get(id) ?? {});
    await fastify.listen({ host: "127.0.0.1", port: 0 });
    this.#listeners.set(id, fastify);
  }

  #write(hosts: readonly string[], proxies: readonly string[]): void {
    const at = (id: string): string => `"127.0.0.1:${portOf(this.#listeners.get(id))}"`;
    const local = (port: number): string => `"127.0.0.1:${port}"`;
    const lines = [
      "cluster: demo",
      "secret: { env: SECRET }",
      `vault: { directory: ./vault, id: "${VAULT}" }`,
      "proxies:",
      ...proxies.map((id, n) => `  - { id: ${id}, listen: ${local(61_000 + n)}, admin: ${at(id)} }`),
      "hosts:",
      ...hosts.map(
        (id, n) => `  - { id: ${id}, listen: ${local(62_000 + n)}, control: ${at(id)}, data: ./data/${id} }`,
      ),
      this.#extra,
    ];
    writeFileSync(this.#file, `${lines.filter((line) => line !== "proxies:" || proxies.length > 0).join("\n")}\n`);
  }
}

const portOf = (listener: FastifyInstance | undefined): number =>
  (listener?.server.address() as AddressInfo | null)?.port ?? 0;
