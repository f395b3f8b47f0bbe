/** Fields that belong to a connection of HTTP/1.1, and have no place in HTTP/2 (RFC 9113, 8.2.2), in lower case. */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);
