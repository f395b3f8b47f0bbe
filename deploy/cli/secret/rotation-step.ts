/**
 * What the next step of a rotation is, from what the file says and what the nodes report. Pure. The marks in the file are
 * all that a rotation remembers, so that it goes on from wherever it was left, also with a copy on another machine:
 *
 * | file | means | next, when |
 * | --- | --- | --- |
 * | no mark | none has begun, or this one is over | a new key is appended, `# new` |
 * | a key is `# new` | it is accepted | it goes to the front, the others become `# old`, when every node accepts it |
 * | keys are `# old` | the first signs | they are removed, when every node signs with the first |
 */
import type { KeyMark } from "../../../shared/config/secret-text.ts";

export interface FileKey {
  readonly id: string;
  readonly mark: KeyMark | null;
}

/** `keys`: ids, the signing one first. `null`: nothing is known, and `reason` says why. */
export type NodeKeys =
  | { readonly node: string; readonly keys: readonly string[] }
  | { readonly node: string; readonly keys: null; readonly reason: string; readonly answers: boolean };

export type RotationStep =
  | { readonly type: "append" }
  | { readonly type: "promote"; readonly key: string }
  | { readonly type: "remove"; readonly keys: readonly string[] }
  /** For whom, and what to do. */
  | { readonly type: "wait"; readonly reasons: readonly string[] }
  | { readonly type: "done" };

export interface Rotating {
  /** In the order of the file; never empty. */
  readonly file: readonly FileKey[];
  /** What people call the file. */
  readonly name: string;
  readonly nodes: readonly NodeKeys[];
  /** Whether this rotation has done something already: then no marks are its end, else its beginning. */
  readonly begun: boolean;
}

export function rotationStep(rotating: Rotating): RotationStep {
  const { file, begun } = rotating;
  const added = file.find(({ mark }) => mark === "new")?.id;
  if (added !== undefined) return waitOr(lacking(rotating, added), { type: "promote", key: added });
  const old = file.filter(({ mark }) => mark === "old").map(({ id }) => id);
  if (old.length > 0) return waitOr(notSigning(rotating), { type: "remove", keys: old });
  return begun ? waitOr(notFinished(rotating), { type: "done" }) : waitOr(inTheWay(rotating), { type: "append" });
}

const waitOr = (reasons: readonly string[], step: RotationStep): RotationStep =>
  reasons.length > 0 ? { type: "wait", reasons } : step;

const lacking = ({ nodes, name }: Rotating, key: string): readonly string[] =>
  nodes.flatMap((node) => {
    if (node.keys === null) return [unknown(node)];
    return node.keys.includes(key) ? [] : [`${node.node} does not know key ${key}: copy ${name} to its machine`];
  });

function notSigning({ file, nodes, name }: Rotating): readonly string[] {
  const first = file[0]?.id;
  return nodes.flatMap((node) => {
    if (node.keys === null) return [unknown(node)];
    const [signs] = node.keys;
    return signs === first ? [] : [`${node.node} still signs with key ${signs}: copy ${name} to its machine`];
  });
}

/** A key that is accepted somewhere is not gone. Whoever does not answer reads the file when it starts. */
const notFinished = ({ file, nodes, name }: Rotating): readonly string[] =>
  nodes.flatMap(({ node, keys }) => {
    const [left] = strangeKeys(file, keys ?? []);
    return left === undefined ? [] : [`${node} still accepts key ${left}: copy ${name} to its machine`];
  });

/**
 * What forbids to begin: a node that knows one key only could not even start with a file of two; and a key that is not
 * in this file is that of a rotation which another machine has begun, or has ended.
 */
const inTheWay = ({ file, nodes, name }: Rotating): readonly string[] =>
  nodes.flatMap((node) => {
    if (node.keys === null) return node.answers ? [unknown(node)] : [];
    const [strange] = strangeKeys(file, node.keys);
    return strange === undefined
      ? []
      : [
          `${node.node} accepts key ${strange}, which ${name} does not have: copy the newer of the two files to the other machine`,
        ];
  });

const strangeKeys = (file: readonly FileKey[], keys: readonly string[]): readonly string[] =>
  keys.filter((key) => !file.some(({ id }) => id === key));

const unknown = ({ node, reason }: NodeKeys & { readonly keys: null }): string => `${node} ${reason}`;
