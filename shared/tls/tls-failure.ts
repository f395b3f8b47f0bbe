/** Which errors of a connection are of TLS itself: the other side is there, and the two do not accept one another. */

/** Of OpenSSL's protocol, of Node's checks, and the names that Node gives to verdicts on a certificate. */
const CODES =
  /^(?:ERR_SSL_|ERR_TLS_|CERT_|CRL_|UNABLE_TO_|ERROR_IN_C|SELF_SIGNED_)|^(?:EPROTO|DEPTH_ZERO_SELF_SIGNED_CERT|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|UNSPECIFIED)$/;

export const isTlsFailure = ({ code }: Error & { readonly code?: unknown }): boolean =>
  typeof code === "string" && CODES.test(code);
