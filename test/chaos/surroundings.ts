/**
 * What a run puts around its nodes, as far as the machine allows: networks of their own, wall clocks of their own. What it
 * does not allow is skipped, with one line that says why.
 */
import type { Placement } from "../cluster/nodes.ts";
import type { FaultKind } from "./fault.ts";
import { Network, whyNoNetwork } from "./network.ts";
import { WallClocks, whyNoWallClocks } from "./wall-clocks.ts";

export class Surroundings implements Placement {
  readonly network: Network | null;
  readonly clocks: WallClocks | null;
  /** Of those asked for, what is possible here. */
  readonly kinds: readonly FaultKind[];
  readonly skipped: readonly string[];

  constructor(ids: readonly string[], wanted: readonly FaultKind[]) {
    const noNetwork = wanted.includes("network") ? whyNoNetwork() : null;
    const noClocks = wanted.includes("clock") ? whyNoWallClocks() : null;
    this.skipped = [
      ...(noNetwork === null ? [] : [`skipped: partitions, loss and delay (no network namespaces: ${noNetwork})`]),
      ...(noClocks === null ? [] : [`skipped: wall clocks that jump (${noClocks})`]),
    ];
    this.kinds = wanted.filter(
      (kind) => (kind !== "network" || noNetwork === null) && (kind !== "clock" || noClocks === null),
    );
    this.network = this.kinds.includes("network") ? new Network(ids) : null;
    this.clocks = this.kinds.includes("clock") ? new WallClocks() : null;
  }

  address(id: string): string {
    return this.network?.address(id) ?? "127.0.0.1";
  }

  launcher(id: string): readonly string[] {
    return this.network?.launcher(id) ?? [];
  }

  environment(id: string): Readonly<Record<string, string>> {
    return this.clocks?.environment(id) ?? {};
  }

  remove(): void {
    this.network?.remove();
    this.clocks?.remove();
  }
}
