/** What the doctor says of one thing it looked at, and how to mend it. */
export interface Finding {
  readonly level: "ok" | "warning" | "error";
  /** What was looked at, in a word or two. */
  readonly subject: string;
  readonly text: string;
  /** What to do; `null`: nothing. */
  readonly mend: string | null;
  /** An error that stays until the configuration, the secret, a certificate or the vault's mount is changed. */
  readonly stays: boolean;
}

export const ok = (subject: string, text: string): Finding => ({
  level: "ok",
  subject,
  text,
  mend: null,
  stays: false,
});

export const warning = (subject: string, text: string, mend: string): Finding => ({
  level: "warning",
  subject,
  text,
  mend,
  stays: false,
});

/** It may pass by itself, or when a node is started. */
export const failing = (subject: string, text: string, mend: string): Finding => ({
  level: "error",
  subject,
  text,
  mend,
  stays: false,
});

/** It stays until somebody changes something. */
export const wrong = (subject: string, text: string, mend: string): Finding => ({
  ...failing(subject, text, mend),
  stays: true,
});

/** `findings`, or that all is well where there are none. */
export const orWell = (findings: readonly Finding[], subject: string, text: string): readonly Finding[] =>
  findings.length > 0 ? findings : [ok(subject, text)];
