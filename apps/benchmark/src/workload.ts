/** What the benchmark times. */
import type { Device } from "@neurite/core";

/** Something to time on one device. */
export interface Workload {
  readonly suite: string;
  readonly id: string;
  /** Floating-point operations of one call, where that means something. */
  readonly flops?: number;
  /** Times `run` is called in a row for one measurement. */
  readonly repeat: number;
  /** Prepares inputs and returns the call to time, which must do the whole work and free what it makes. */
  setUp(device: Device): () => void;
}
