/** The rules of the protocol as switches. `RIGHT` is what the hosts do; every other value is a mistake that looks right. */
export interface Rules {
  // --- Publishing
  /** What a put whose reply is lost counts as. */
  readonly unknown: "read back" | "created" | "refused" | "not created: the next slot";
  /** What a name that exists counts as. */
  readonly exists: "read back" | "created" | "another's";
  /** What makes a record that is read back one's own. */
  readonly own: "the same record" | "the same owner";
  readonly inFlight: "one" | "two";
  readonly acknowledge: "when published" | "before the put";
  /** Whether a reply of `created` waits for the sync of the folder. */
  readonly createdIs: "synced" | "linked";
  /** What is concluded from a record that is read back. */
  readonly readBackIs: "synced and read again" | "believed";
  /** What becomes of the requests of a batch whose slot is another's. */
  readonly deposed: "list, then say it" | "say not applied";

  // --- Following
  readonly lists: "journal first" | "checkpoints first";
  readonly syncsListing: "yes" | "no";
  readonly fenceApplies: "seen, then listed" | "listed, then read" | "always";
  readonly applies: "published records" | "what is on its way";

  // --- Taking over
  /** What must be found after the own fence was put. */
  readonly confirms:
    | "fresh listing"
    | "nothing"
    | "predecessor exists"
    | "predecessor is right"
    | "newest fence that is listed";
  readonly restart: "takes over" | "resumes its epoch";
  readonly release: "binds nobody" | "its successor serves at once";
  readonly keys: "looked up" | "forgotten";

  // --- Cleaning
  readonly cleanWaits: "for an era" | "not";
  readonly cleans: "batches and releases" | "fences too";
  readonly cleanBelow: "the older checkpoint" | "the newest checkpoint" | "the head";

  // --- Reading
  readonly proof:
    | "check"
    | "barrier"
    | "none"
    | "check of the slot after the head"
    | "check before the reader came"
    | "barrier with the batch under way"
    | "lease";
  /** Whether a share shows absences that are over. */
  readonly absence: "true" | "stale";
  readonly leaseEnds: "before another serves" | "whenever";
}

export const RIGHT: Rules = {
  unknown: "read back",
  exists: "read back",
  own: "the same record",
  inFlight: "one",
  acknowledge: "when published",
  createdIs: "synced",
  readBackIs: "synced and read again",
  deposed: "list, then say it",
  lists: "journal first",
  syncsListing: "yes",
  fenceApplies: "seen, then listed",
  applies: "published records",
  confirms: "fresh listing",
  restart: "takes over",
  release: "binds nobody",
  keys: "looked up",
  cleanWaits: "for an era",
  cleans: "batches and releases",
  cleanBelow: "the older checkpoint",
  proof: "check",
  absence: "true",
  leaseEnds: "before another serves",
};
