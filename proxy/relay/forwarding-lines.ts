/**
 * What a host is told of the client and of the host that it asked for (RFC 7239, and the fields that came before it). Set
 * afresh; what a client says of it passes on only from a proxy that is configured as trusted, with this hop behind it.
 */
export interface ForwardedClient {
  readonly address: string;
  readonly proto: "http" | "https";
  readonly isTrusted: boolean;
}

/** Field lines for all requests of one connection; those of the last host name are kept. */
export class ForwardingLines {
  readonly #client: ForwardedClient;
  #authority: string | null = null;
  #lines: string;

  constructor(client: ForwardedClient) {
    this.#client = client;
    this.#lines = linesFor(client, null, "");
  }

  /** `passing`: the request's own lines that pass on. */
  for(authority: string | null, passing: string): string {
    if (this.#client.isTrusted) return linesFor(this.#client, authority, passing);
    if (authority !== this.#authority) {
      this.#authority = authority;
      this.#lines = linesFor(this.#client, authority, "");
    }
    return this.#lines;
  }
}

function linesFor({ address, proto }: ForwardedClient, authority: string | null, passing: string): string {
  const said = (name: string): boolean => new RegExp(`^${name}:`, "im").test(passing);
  const lines = [
    // HTTP/1.0 asks for none, HTTP/1.1 does: an empty one says that none was named.
    `host: ${authority ?? ""}`,
    `x-forwarded-for: ${address}`,
    `forwarded: ${forwarded(address, proto, authority)}`,
  ];
  if (!said("x-forwarded-proto")) lines.push(`x-forwarded-proto: ${proto}`);
  if (authority !== null && !said("x-forwarded-host")) lines.push(`x-forwarded-host: ${authority}`);
  return `${lines.join("\r\n")}\r\n`;
}

function forwarded(address: string, proto: "http" | "https", authority: string | null): string {
  const node = address.includes(":") ? `"[${address}]"` : address;
  return `for=${node};proto=${proto}${authority === null ? "" : `;host="${authority}"`}`;
}
