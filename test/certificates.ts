/** Certificates for tests, made by `openssl` while they run, in a folder that is removed after them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsFiles } from "../shared/config/config.ts";

export interface Wish {
  readonly names?: string;
  readonly days?: number;
}

const HERE = "IP:127.0.0.1,DNS:localhost";
const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] as const;

/** A CA of its own, and what it signs. */
export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), "hotspare-tls-"));
  readonly ca = join(this.folder, "ca.crt");
  #serial = 0;

  constructor(name = "test CA") {
    openssl([
      "req",
      "-x509",
      ...KEY,
      "-keyout",
      this.#file("ca.key"),
      "-out",
      this.ca,
      "-days",
      "30",
      "-subj",
      `/CN=${name}`,
    ]);
  }

  /** A certificate that is good on both sides of a connection on this machine, with this authority as `ca`. */
  issue(name: string, { names = HERE, days = 30 }: Wish = {}): TlsFiles & { readonly ca: string } {
    this.#serial += 1;
    const [cert, key, request, extensions] = ["crt", "key", "csr", "ext"].map((ending) =>
      this.#file(`${name}.${ending}`),
    );
    if (!cert || !key || !request || !extensions) throw new Error("four files");
    writeFileSync(extensions, `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    openssl(["req", ...KEY, "-keyout", key, "-out", request, "-subj", `/CN=${name}`]);
    const signer = ["-CA", this.ca, "-CAkey", this.#file("ca.key"), "-set_serial", String(this.#serial)];
    openssl(["x509", "-req", "-in", request, ...signer, "-days", String(days), "-extfile", extensions, "-out", cert]);
    return { cert, key, ca: this.ca };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return join(this.folder, name);
  }
}

export function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}
