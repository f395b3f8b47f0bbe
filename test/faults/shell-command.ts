/**
 * A program of the machine, run to its end while everything else goes on. Fails loudly with what it said: a mount that
 * silently is none would let every test of it pass.
 */
import { execFile } from "node:child_process";

const MOST_BYTES = 16 * 1024 * 1024;

/** What it wrote to its standard output. @throws what it wrote to its standard error, if its exit code is not 0. */
export function shellCommand(program: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: MOST_BYTES }, (error, out, err) => {
      if (error) reject(new Error(`${program} ${args.join(" ")}: ${err || error.message}`, { cause: error }));
      else resolve(out);
    });
  });
}
