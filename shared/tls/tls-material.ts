/**
 * What one `tls` section of the configuration names: certificate, key and CA, read and checked. Fails with HS_TLS_UNUSABLE,
 * which names the file and the key of the configuration; nothing of a file's contents is in it.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { TlsFiles, TlsSection } from "../config/config.ts";
import { HotspareError, reasonOf } from "../errors.ts";

/** Plain text, so that it can be handed to a thread. */
export interface TlsMaterial {
  readonly section: TlsSection;
  /** The certificate, then those between it and its CA. */
  readonly cert: string;
  readonly key: string;
  /** Who must have signed what the other side shows; `null`: it need not show anything. */
  readonly ca: string | null;
}

type Part = "cert" | "key" | "ca";

const MAX_BYTES = 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
export const OLDEST_VERSION = "TLSv1.2";

/**
 * @param known what was read before: it is given back where the files still say the same, without another check.
 * @throws {HotspareError} HS_TLS_UNUSABLE
 */
export async function readTlsMaterial(
  section: TlsSection,
  files: TlsFiles,
  known: TlsMaterial | null = null,
): Promise<TlsMaterial> {
  const read = (part: Part, file: string): Promise<string> => unusable(section, part, file, () => readText(file));
  const cert = await read("cert", files.cert);
  const key = await read("key", files.key);
  const ca = files.ca === null ? null : await read("ca", files.ca);
  if (known !== null && known.cert === cert && known.key === key && known.ca === ca) return known;
  await checkMaterial({ section, cert, key, ca }, files);
  return { section, cert, key, ca };
}

/** The certificates of a PEM text, in its order. @throws if one of them is damaged, or there is none. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  const found = (pem.match(CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
  if (found.length === 0) throw new Error("it has no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  return found;
}

async function checkMaterial({ section, cert, key, ca }: TlsMaterial, files: TlsFiles): Promise<void> {
  const [own] = await unusable(section, "cert", files.cert, () => certificatesIn(cert));
  await unusable(section, "key", files.key, () => {
    if (own?.checkPrivateKey(privateKey(key)) !== true) throw new Error(`it does not belong to ${files.cert}`);
  });
  if (files.ca !== null && ca !== null) await unusable(section, "ca", files.ca, () => certificatesIn(ca));
  // What OpenSSL will not work with, such as a key that is too small.
  await unusable(section, "cert", files.cert, () =>
    createSecureContext({ cert, key, minVersion: OLDEST_VERSION, ...(ca === null ? {} : { ca }) }),
  );
}

function privateKey(pem: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) throw new Error("it is encrypted; accepted is a key without a passphrase");
  try {
    return createPrivateKey(pem);
  } catch (error) {
    throw new Error("it has no private key in PEM (-----BEGIN PRIVATE KEY-----)", { cause: error });
  }
}

/** A pipe does not hang it, and a file without end does not fill the memory. */
async function readText(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) throw new Error("it is not a file");
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0);
    if (bytesRead > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function unusable<T>(section: TlsSection, part: Part, file: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = absent ? "there is no such file" : reasonOf(error);
    throw new HotspareError("HS_TLS_UNUSABLE", { file, key: `tls.${section}.${part}`, reason }, { cause: error });
  }
}
