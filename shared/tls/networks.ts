/**
 * The sockets of a node as its configuration wants them: with TLS in the sections that have files, as they are in the
 * others. Only the sections that a program speaks are read; what of their files cannot be used ends its start.
 */
import type { Registry } from "prom-client";
import type { Clock } from "../clock.ts";
import type { TlsConfig, TlsSection } from "../config/config.ts";
import type { Log } from "../log.ts";
import type { Sockets } from "../sockets.ts";
import { RefusalNotices } from "../wire/refusal-notices.ts";
import { TlsIdentity } from "./tls-identity.ts";
import { readTlsMaterial } from "./tls-material.ts";
import { tlsMetrics } from "./tls-metrics.ts";
import { TlsSockets } from "./tls-sockets.ts";
import { watchTls } from "./tls-watch.ts";

export interface NetworkOptions {
  readonly tls: TlsConfig;
  /** Without TLS. */
  readonly under: Sockets;
  readonly clock: Clock;
  readonly log: Log;
}

export class Networks<Section extends TlsSection> {
  readonly sockets: Readonly<Record<Section | "bare", Sockets>>;
  /** When its certificates end. */
  readonly register: Registry;
  readonly #options: NetworkOptions;
  readonly #identities: ReadonlyMap<TlsSection, TlsIdentity>;
  readonly #notices: RefusalNotices;

  /** @throws {HotspareError} HS_TLS_UNUSABLE */
  static async open<Section extends TlsSection>(
    sections: readonly Section[],
    options: NetworkOptions,
  ): Promise<Networks<Section>> {
    const identities = new Map<TlsSection, TlsIdentity>();
    for (const section of sections) {
      const files = options.tls[section];
      if (files !== null) identities.set(section, new TlsIdentity(await readTlsMaterial(section, files)));
    }
    return new Networks(sections, options, identities);
  }

  private constructor(
    sections: readonly Section[],
    options: NetworkOptions,
    identities: ReadonlyMap<TlsSection, TlsIdentity>,
  ) {
    const { under, clock, log } = options;
    this.#options = options;
    this.#identities = identities;
    this.register = tlsMetrics(identities);
    this.#notices = new RefusalNotices(clock, (refusal, count) =>
      log.warn({ event: "tls-refused", ...refusal, count }, "a TLS connection was refused"),
    );
    const entries = sections.map((section) => [section, this.#socketsOf(section, "checked")]);
    this.sockets = { ...Object.fromEntries(entries), bare: under } as Record<Section | "bare", Sockets>;
  }

  /** For a thread that has sockets of its own; `null` without TLS. */
  identity(section: Section): TlsIdentity | null {
    return this.#identities.get(section) ?? null;
  }

  /** To reach a listener of this very node: it may be bound to an address that its certificate does not name. */
  own(section: Section): Sockets {
    return this.#socketsOf(section, "any");
  }

  /** Takes changed files into use from now on. Returns the stop. */
  watch(): () => Promise<void> {
    const { tls, clock, log } = this.#options;
    const stops = [...this.#identities].flatMap(([section, identity]) => {
      const files = tls[section];
      return files === null ? [] : [watchTls({ identity, files, clock, log })];
    });
    return async () => {
      await Promise.all(stops.map((stop) => stop()));
    };
  }

  #socketsOf(section: Section, names: "checked" | "any"): Sockets {
    const { under, clock } = this.#options;
    const identity = this.identity(section);
    if (identity === null) return under;
    return new TlsSockets({ identity, under, clock, names, onRefused: (refusal) => this.#notices.add(refusal) });
  }
}
