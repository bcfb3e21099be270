/** Results that live until the function that made them is called again, or the scope around that call ends. */
import { forEachTensor, freeWhenDropped, Scope, state, type Tensor } from "@neurite/core";

/** What one function handed out last. */
export class Lease {
  /** Owns what was handed out outside of every scope. */
  readonly #owner = new Scope(null);
  #given: { readonly tensor: Tensor; readonly home: Scope }[] = [];

  constructor(readonly op: string) {}

  /** Frees what was handed out before, except what was kept or has another owner by now. */
  end(): void {
    const given = this.#given;
    this.#given = [];
    for (const { tensor, home } of given) {
      if (tensor.home === home) tensor.dispose(`${this.op} frees its previous results when it is called again`);
    }
  }

  /** Notes the tensors in `results` that the current scope would free or hand to the scope around it. */
  give(results: unknown): void {
    const current = state.scope;
    const home = current?.parent ?? this.#owner;
    forEachTensor(results, (tensor) => {
      if (tensor.home !== current) return;
      if (home === this.#owner) {
        tensor.home = home;
        // the function that holds them may be dropped too
        freeWhenDropped(tensor);
      }
      this.#given.push({ tensor, home });
    });
  }
}
