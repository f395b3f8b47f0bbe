import { describe, expect, it } from "vitest";
import { rotationStep, type FileKey, type NodeKeys } from "../../../deploy/cli/secret/rotation-step.ts";

const node = (name: string, ...keys: readonly string[]): NodeKeys => ({ node: name, keys });
const silent = (name: string): NodeKeys => ({ node: name, keys: null, reason: "does not say", answers: true });
const down = (name: string): NodeKeys => ({ node: name, keys: null, reason: "is down", answers: false });
const key = (id: string, mark: FileKey["mark"] = null): FileKey => ({ id, mark });
const step = (file: readonly FileKey[], nodes: readonly NodeKeys[], begun = true) =>
  rotationStep({ file, name: "cluster.key", nodes, begun });
const waits = (...reasons: readonly string[]) => ({ type: "wait", reasons });

describe("the next step of a rotation", () => {
  it("is to append a key, if none has begun; whoever is down reads the file when it starts", () => {
    expect(step([key("A")], [node("x", "A"), down("y")], false)).toEqual({ type: "append" });
    expect(step([key("A"), key("B")], [node("x", "A", "B"), node("y", "A")], false)).toEqual({ type: "append" });
  });

  it("is none where a node could not read a file of two keys, or has a key that is not in this file", () => {
    expect(step([key("A")], [node("x", "A"), silent("y")], false)).toEqual(waits("y does not say"));
    expect(step([key("A")], [node("x", "A", "B")], false)).toMatchObject({
      reasons: [expect.stringContaining("x accepts key B, which cluster.key does not have") as string],
    });
  });

  it("is that the new one signs, when every node accepts it", () => {
    const file = [key("A"), key("B", "new")];
    expect(step(file, [node("x", "A", "B"), node("y", "A"), down("z")])).toEqual(
      waits("y does not know key B: copy cluster.key to its machine", "z is down"),
    );
    expect(step(file, [node("x", "A", "B"), node("y", "B", "A")])).toEqual({ type: "promote", key: "B" });
  });

  it("is that the old ones go, when every node signs with the new one", () => {
    const file = [key("B"), key("A", "old"), key("C", "old")];
    expect(step(file, [node("x", "B", "A"), node("y", "A", "B"), silent("z")])).toEqual(
      waits("y still signs with key A: copy cluster.key to its machine", "z does not say"),
    );
    expect(step(file, [node("x", "B", "A"), node("y", "B")])).toEqual({ type: "remove", keys: ["A", "C"] });
  });

  it("is over when no node accepts an old key", () => {
    expect(step([key("B")], [node("x", "B"), node("y", "B", "A")])).toEqual(
      waits("y still accepts key A: copy cluster.key to its machine"),
    );
    expect(step([key("B")], [node("x", "B"), down("y")])).toEqual({ type: "done" });
  });

  it("does not depend on whether this run has begun it, while the file has marks", () => {
    for (const file of [
      [key("A"), key("B", "new")],
      [key("B"), key("A", "old")],
    ] as const) {
      const nodes = [node("x", "B", "A")];
      expect(step(file, nodes, false)).toEqual(step(file, nodes, true));
    }
  });
});
