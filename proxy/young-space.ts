/**
 * What V8 gives to young objects. A proxy reads the network into buffers of 64 KiB that live for a moment, and whose memory is
 * outside of V8's heap. In a large space for young objects they are collected so rarely that V8 looks through all of its heap
 * for memory instead, several times a second: with answers of 64 KiB that is a third of the time, and a hundred MiB.
 */
import { setFlagsFromString } from "node:v8";

/** For the process of a proxy or of its worker, once, at its start. */
export function keepYoungSpaceSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
