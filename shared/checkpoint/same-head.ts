/** Whether two heads are the same place on the same chain, seen with the same fence. */
import type { Head } from "../journal/head.ts";

export function sameHead(one: Head, other: Head): boolean {
  return (
    one.origin === other.origin &&
    one.slot === other.slot &&
    one.hash === other.hash &&
    one.lsn === other.lsn &&
    one.logTimeMs === other.logTimeMs &&
    one.writeVersion === other.writeVersion &&
    sameFence(one.fence, other.fence)
  );
}

function sameFence(one: Head["fence"], other: Head["fence"]): boolean {
  return (
    one.slot === other.slot &&
    one.id === other.id &&
    one.hash === other.hash &&
    one.epoch === other.epoch &&
    one.owner === other.owner &&
    one.bootId === other.bootId
  );
}
