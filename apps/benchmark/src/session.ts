/** The benchmark's end of a measuring process; the other end is `child.ts` or `peers/native.py`. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Answers, Request } from "./child.js";

/** How to start a measuring process. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

type Answer = { readonly ok: unknown } | { readonly error: string };

/** Processes that still run, to be ended with this one. */
const running = new Set<ChildProcessWithoutNullStreams>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class Session {
  readonly #child: ChildProcessWithoutNullStreams;
  #settle: ((answer: Answer) => void) | undefined;
  /** Why no more requests are answered. */
  #ended: string | undefined;
  #complaints = "";

  constructor({ program, args, env }: Command) {
    const child = spawn(program, args, { stdio: "pipe", env: { ...process.env, ...env } });
    this.#child = child;
    running.add(child);
    createInterface({ input: child.stdout }).on("line", (line) => {
      // a line of something else, which a library printed past the console
      if (!line.startsWith("{")) return;
      this.#settle?.(JSON.parse(line));
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-2000);
    });
    // writing to a process that is gone is reported by its end
    child.stdin.on("error", () => {});
    child.on("error", (error) => this.#end(`it cannot be started: ${error.message}`));
    child.on("close", (code, signal) => this.#end(`it ended (${signal ?? `exit code ${code}`})${this.#lastWords()}`));
  }

  #lastWords(): string {
    const line = this.#complaints
      .trim()
      .split("\n")
      .findLast((text) => /error/i.test(text));
    return line ? `: ${line.trim()}` : "";
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    running.delete(this.#child);
    this.#settle?.({ error: this.#ended });
  }

  /**
   * Asks, and waits for the answer.
   * @throws Error with the process's reason, or when it ended, or gave no answer within `seconds` (it is killed then)
   */
  async ask<R extends Request>(request: R, seconds: number): Promise<Answers[R["do"]]> {
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<Answer>((resolve) => {
      if (this.#ended !== undefined) return resolve({ error: this.#ended });
      this.#settle = resolve;
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
      timer = setTimeout(() => {
        this.#end(`no answer to "${request.do}" within ${seconds} s`);
        this.#child.kill("SIGKILL");
      }, seconds * 1000);
    });
    clearTimeout(timer);
    this.#settle = undefined;
    if ("error" in answer) throw new Error(answer.error);
    return answer.ok as Answers[R["do"]];
  }

  /** Ends the process. */
  close(): void {
    this.#child.kill("SIGKILL");
  }
}
