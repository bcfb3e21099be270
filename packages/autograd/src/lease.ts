/** Results that live until the function that made them is called again. */
import { forEachTensor, Scope, state } from "@neurite/core";

/** What one function handed out last. */
export class Lease {
  #given = new Scope(null);

  constructor(readonly op: string) {}

  /** Frees what was handed out before, except what was kept. */
  end(): void {
    const given = this.#given;
    this.#given = new Scope(null);
    for (const tensor of given.tensors) {
      if (tensor.home === given) {
        tensor.dispose(`${this.op} frees its previous results when it is called again`);
      }
    }
  }

  /** Takes over the tensors in `results` that the current scope would free. */
  give(results: unknown): void {
    const current = state.scope;
    forEachTensor(results, (tensor) => {
      if (tensor.home !== current) return;
      tensor.home = this.#given;
      this.#given.tensors.push(tensor);
    });
  }
}
