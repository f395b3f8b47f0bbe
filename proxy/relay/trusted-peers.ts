/** Whose word about a client is believed: other proxies of the user's, before this one, by address or network. */
import { BlockList, isIP } from "node:net";

export class TrustedPeers {
  readonly #list = new BlockList();
  readonly #isEmpty: boolean;

  /** `networks`: addresses, or networks with a prefix length, as the configuration has checked them. */
  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0;
    for (const network of networks) this.#add(network);
  }

  has(address: string): boolean {
    const version = this.#isEmpty ? 0 : isIP(address);
    return version !== 0 && this.#list.check(address, version === 6 ? "ipv6" : "ipv4");
  }

  #add(network: string): void {
    const [address = "", prefix] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) this.#list.addAddress(address, family);
    else this.#list.addSubnet(address, Number(prefix), family);
  }
}
