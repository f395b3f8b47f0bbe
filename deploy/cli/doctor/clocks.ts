/** Whether clocks agree. No rule of safety reads one, but signatures and people do. Pure. */
import { TIME_WINDOW_MS } from "../../../shared/wire/message-server.ts";
import { answering, type Facts } from "./facts.ts";
import { failing, orWell, warning, type Finding } from "./finding.ts";

const MEND = "set its clock right and let NTP run: timedatectl, chronyc tracking";

export function clockFindings(facts: Facts): readonly Finding[] {
  const { status } = facts;
  const distrusted = [...status.hosts, ...status.proxies].flatMap(({ id, quarantined }) =>
    quarantined === null || quarantined === undefined
      ? []
      : [warning("clocks", `${id} distrusts its clock: ${quarantined}`, MEND)],
  );
  const dispute = status.clockDispute === null ? [] : [warning("clocks", status.clockDispute, MEND)];
  const text = "those of the nodes agree with that of this machine";
  return orWell([...distrusted, ...dispute, ...apart(facts)], "clocks", text);
}

/** Against this machine's clock, which may be the wrong one. */
function apart(facts: Facts): readonly Finding[] {
  return answering(facts).flatMap(({ host, clock }) => {
    if (clock === null) return [];
    const { offsetMs, errorMs } = clock;
    const certainMs = Math.abs(offsetMs) - errorMs;
    if (certainMs <= facts.config.clock.offsetMs) return [];
    const text = `the clock of ${host.id} is ${Math.round(Math.abs(offsetMs))} ms ${offsetMs > 0 ? "ahead of" : "behind"} that of this machine`;
    return certainMs > TIME_WINDOW_MS
      ? [failing("clocks", `${text}: messages of commands are refused`, MEND)]
      : [warning("clocks", text, MEND)];
  });
}
