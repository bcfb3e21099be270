/** Progress on a terminal, and how a training ends there. */
import { SingleBar } from "cli-progress";
import { onEnd } from "./node/interrupt.js";
import type { StepReport } from "./trainer-options.js";

export { Interrupted, interruptible } from "./node/interrupt.js";

export interface Progress {
  /** For `onStep`. */
  step(report: StepReport): void;
  /** Ends the bar's line. */
  stop(): void;
}

/**
 * A bar with loss, steps per second and the time left; on a stream that is no terminal, a line ten times in all.
 * Fits 80 columns.
 */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? liveBar(stream) : plainLines(stream);
}

function rate(first: number, since: number, step: number): number {
  return (step - first) / ((performance.now() - since) / 1000);
}

function liveBar(stream: NodeJS.WriteStream): Progress {
  const format = "{bar} {percentage}% {value}/{total} | loss {loss} | {speed} steps/s | {left}";
  const bar = new SingleBar({ format, stream, barsize: 24, hideCursor: true, clearOnComplete: false });
  let first = -1;
  let since = 0;
  let forget = () => {};
  const stop = () => {
    forget();
    bar.stop();
  };
  return {
    step({ step, steps, loss }) {
      if (first < 0) {
        first = step;
        since = performance.now();
        // the cursor and the wrapping of lines come back whatever ends the process
        forget = onEnd(stop);
        bar.start(steps, step, { loss: loss.toFixed(4), speed: "-", left: "-" });
        return;
      }
      const speed = rate(first, since, step);
      bar.update(step, {
        loss: loss.toFixed(4),
        speed: speed.toFixed(1),
        left: `ETA ${Math.ceil((steps - step) / speed)}s`,
      });
    },
    stop,
  };
}

function plainLines(stream: NodeJS.WriteStream): Progress {
  let first = -1;
  let since = 0;
  return {
    step({ step, steps, loss }) {
      if (first < 0) {
        first = step;
        since = performance.now();
      }
      const tenth = Math.max(1, Math.round(steps / 10));
      if (step % tenth !== 0 && step !== steps) return;
      const speed = rate(first, since, step);
      const left = speed > 0 ? ` | ETA ${Math.ceil((steps - step) / speed)}s` : "";
      stream.write(`step ${step}/${steps} | loss ${loss.toFixed(4)} | ${speed.toFixed(1)} steps/s${left}\n`);
    },
    stop: () => {},
  };
}
