/**
 * What of certificates an operator should hear although a node can run with them: expired, not valid yet, about to expire,
 * not signed by the CA that the other nodes will ask for. Pure; each concern is a sentence that stays the same until
 * something changes.
 */
import type { X509Certificate } from "node:crypto";
import { certificatesIn, type TlsMaterial } from "./tls-material.ts";

const SOON_MS = 14 * 24 * 3_600_000;

/** @param nowMs wall time. */
export function tlsConcerns({ section, cert, ca }: TlsMaterial, nowMs: number): readonly string[] {
  const chain = certificatesIn(cert);
  const authorities = ca === null ? [] : certificatesIn(ca);
  return [
    ...chain.flatMap((one) => timeConcerns(`tls.${section}.cert`, one, nowMs)),
    ...authorities.flatMap((one) => timeConcerns(`tls.${section}.ca`, one, nowMs)),
    ...(isBetweenNodes(section) ? signerConcerns(section, chain, authorities) : []),
  ];
}

function timeConcerns(key: string, certificate: X509Certificate, nowMs: number): readonly string[] {
  const { validFromDate, validToDate } = certificate;
  const name = `${key}: the certificate of ${certificate.subject.replaceAll("\n", ", ")}`;
  if (nowMs > validToDate.getTime()) return [`${name} expired on ${validToDate.toISOString()}`];
  if (nowMs < validFromDate.getTime()) return [`${name} is not valid before ${validFromDate.toISOString()}`];
  return nowMs > validToDate.getTime() - SOON_MS ? [`${name} expires on ${validToDate.toISOString()}`] : [];
}

/** Where the other side is a node too, it has the same CA. */
const isBetweenNodes = (section: TlsMaterial["section"]): boolean => section === "control" || section === "data";

function signerConcerns(
  section: TlsMaterial["section"],
  [own, ...between]: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): readonly string[] {
  if (own === undefined || authorities.length === 0) return [];
  const signed = [...between, ...authorities].some((one) => own.checkIssued(one) && own.verify(one.publicKey));
  return signed ? [] : [`tls.${section}.cert is not signed by tls.${section}.ca: other nodes will refuse it`];
}
