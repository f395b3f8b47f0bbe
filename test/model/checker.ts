/**
 * An explicit-state checker: all states that can be reached, breadth first, so that the first violation that it meets has
 * a shortest trace. It keeps a key, a parent and the number of the step for each state, and only the states of the edge;
 * a trace is found by going the same steps again. Reaching the bound is an error: nothing is left out in silence.
 */
export interface Step<State> {
  /** What happens, in words. */
  readonly label: string;
  readonly state: State;
}

export interface Model<State, Violation extends string> {
  readonly initial: State;
  readonly next: (state: State) => readonly Step<State>[];
  /** Two states with one key are one state. */
  readonly encode: (state: State) => string;
  readonly judge: (state: State) => Violation | null;
  /** What a run must meet to mean anything: whether a step shows it, by name. */
  readonly situations: ReadonlyMap<string, (step: Step<State>) => boolean>;
}

export interface Exploration<Violation extends string> {
  readonly states: number;
  /** Steps to the state that is farthest away, or to the violation. */
  readonly depth: number;
  readonly violation: Violation | null;
  /** The shortest way to the violation. */
  readonly trace: readonly string[];
  /** Situations that were never met. */
  readonly missed: readonly string[];
}

export class StateBoundError extends Error {
  constructor(states: number) {
    super(`the model has more than ${states} states`);
  }
}

/** @throws {StateBoundError} if more than `bound` states can be reached. */
export function explore<State, Violation extends string>(
  model: Model<State, Violation>,
  bound: number,
): Exploration<Violation> {
  const seen = new Set<string>();
  const missed = new Map(model.situations);
  const parents: number[] = [];
  const ordinals: number[] = [];
  const enter = (step: Step<State>, parent: number, ordinal: number): Violation | "known" | null => {
    const { state } = step;
    for (const [name, isShown] of missed) if (isShown(step)) missed.delete(name);
    const key = model.encode(state);
    if (seen.has(key)) return "known";
    if (seen.size >= bound) throw new StateBoundError(bound);
    seen.add(key);
    parents.push(parent);
    ordinals.push(ordinal);
    return model.judge(state);
  };
  const end = (depth: number, violation: Violation | null): Exploration<Violation> => {
    const trace = violation === null ? [] : traceTo(model, pathTo(parents, ordinals));
    return { states: seen.size, depth, violation, trace, missed: [...missed.keys()] };
  };

  const first = enter({ state: model.initial, label: "" }, -1, -1);
  if (first !== null && first !== "known") return end(0, first);
  let edge = [model.initial];
  let edgeStart = 0;
  for (let depth = 0; ; depth += 1) {
    const beyond: State[] = [];
    const beyondStart = seen.size;
    for (const [index, state] of edge.entries()) {
      for (const [ordinal, step] of model.next(state).entries()) {
        const found = enter(step, edgeStart + index, ordinal);
        if (found === "known") continue;
        if (found !== null) return end(depth + 1, found);
        beyond.push(step.state);
      }
    }
    if (beyond.length === 0) return end(depth, null);
    edge = beyond;
    edgeStart = beyondStart;
  }
}

/** Numbers of the steps from the beginning to the state that was entered last. */
function pathTo(parents: readonly number[], ordinals: readonly number[]): readonly number[] {
  const path: number[] = [];
  for (let at = parents.length - 1; at > 0; at = parents[at]!) path.push(ordinals[at]!);
  return path.toReversed();
}

function traceTo<State, Violation extends string>(
  model: Model<State, Violation>,
  path: readonly number[],
): readonly string[] {
  const trace: string[] = [];
  let state = model.initial;
  for (const ordinal of path) {
    const step = model.next(state)[ordinal]!;
    trace.push(step.label);
    state = step.state;
  }
  return trace;
}
