/** The network of a command: it asks nodes as another node would, with the certificates of this machine. */
import type { Config, TlsSection } from "../../shared/config/config.ts";
import { silentLog } from "../../shared/log.ts";
import { systemSockets } from "../../shared/sockets.ts";
import { Networks } from "../../shared/tls/networks.ts";
import type { CommandContext } from "./command.ts";

/** What fails is told by what it fails. @throws {HotspareError} HS_TLS_UNUSABLE */
export const openCommandNetworks = <Section extends TlsSection>(
  { tls }: Config,
  sections: readonly Section[],
  { clock }: CommandContext,
): Promise<Networks<Section>> => Networks.open(sections, { tls, under: systemSockets, clock, log: silentLog });
