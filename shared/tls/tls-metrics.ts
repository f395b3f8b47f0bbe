/** When the certificates that a node shows end, for Prometheus. Read when asked, so that a replaced one counts at once. */
import { Gauge, Registry } from "prom-client";
import type { TlsSection } from "../config/config.ts";
import type { TlsIdentity } from "./tls-identity.ts";
import { certificatesIn } from "./tls-material.ts";

/** The first certificate of a chain to end counts. */
export function tlsMetrics(identities: ReadonlyMap<TlsSection, TlsIdentity>): Registry {
  const register = new Registry();
  const ends: Gauge<"section"> = new Gauge({
    name: "hotspare_certificate_expiry_timestamp_seconds",
    help: "When the certificate that this node shows expires, in seconds since 1970",
    labelNames: ["section"],
    registers: [register],
    collect: () => {
      for (const [section, { material }] of identities) {
        const endsMs = certificatesIn(material.cert).map(({ validToDate }) => validToDate.getTime());
        ends.set({ section }, Math.min(...endsMs) / 1000);
      }
    },
  });
  return register;
}
