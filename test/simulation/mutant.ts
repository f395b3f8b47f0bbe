/** Wrong variants of the protocol that look right. Each must be found by the simulation: the evidence that it can fail. */
export const MUTANTS = [
  "acknowledge before the put",
  "an unknown outcome counts as created",
  "an unknown outcome counts as refused",
  "a name that exists counts as created",
  "a name that exists counts as another's",
  "apply before publishing",
  "serve before confirming",
  "skip the confirmation",
  "no sync after listing",
  "no sync before concluding from a record",
  "not applied, without a listing",
  "read without proof",
  "delete fences when cleaning",
  "clean without waiting",
] as const;

export type Mutant = (typeof MUTANTS)[number];
