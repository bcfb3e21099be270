import { add, composite, exp, mul, Parameter, type Scope, scope, state, sum, type Tensor, tensor } from "@neurite/core";
import { describe, expect, it } from "vitest";
import { freshDevice, thrown } from "./device.js";

const device = freshDevice();
const held = () => device().memory().storages;

describe("a scope", () => {
  it("frees what it made and hands out its result", () => {
    const x = tensor([1, 2]);
    const y = scope(() => sum(exp(mul(x, 0))));
    expect(y.itemSync()).toBe(2);
    expect(held()).toBe(2);
  });

  it("finds results in arrays, maps and plain objects", () => {
    const result = scope(() => {
      const [a, b, c, d] = [1, 2, 3, 4].map((value) => tensor(value));
      return { list: [a, [b]], map: new Map([["c", c]]), other: d.itemSync() };
    });
    expect(held()).toBe(3);
    const [a, [b]] = result.list as [Tensor, [Tensor]];
    expect([a, b, result.map.get("c")!].map((x) => x.itemSync())).toEqual([1, 2, 3]);
    expect(result.other).toBe(4);
  });

  it("does not look into class instances", () => {
    class Box {
      constructor(readonly x: Tensor) {}
    }
    const box = scope(() => new Box(tensor(1)));
    expect(box.x.disposed).toBe(true);
  });

  it("leaves tensors from outside alone", () => {
    const x = tensor([1, 2]);
    const y = scope(() => x);
    expect(y).toBe(x);
    expect(x.disposed).toBe(false);
  });

  it("leaves kept tensors and parameters alone", () => {
    let kept: Tensor | undefined;
    let parameter: Parameter | undefined;
    scope(() => {
      kept = tensor([1]).keep();
      parameter = new Parameter(tensor([2]));
    });
    expect([kept?.disposed, parameter?.disposed]).toEqual([false, false]);
    expect(held()).toBe(2);
  });

  it("hands its result to the scope around it", () => {
    let inner: Tensor | undefined;
    scope(() => {
      inner = scope(() => exp(tensor([0])));
      expect(inner.disposed).toBe(false);
      expect(held()).toBe(1);
    });
    expect(inner?.disposed).toBe(true);
    expect(held()).toBe(0);
  });

  it("frees everything when its function throws, nested scopes too", () => {
    const x = tensor([1]);
    expect(() =>
      scope(() => {
        add(x, 1);
        scope(() => {
          mul(x, 2);
          throw new Error("midway");
        });
      }),
    ).toThrow("midway");
    expect(held()).toBe(1);
    expect(state.scope).toBeNull();
  });

  it("refuses a function that returns a promise, and frees what that made before", () => {
    const error = thrown(() => scope((async () => void tensor([1])) as unknown as () => number));
    expect(error.code).toBe("ERR_VALUE");
    expect(error.message).toBe(
      "scope: fn expects a synchronous function, but received one that returned a Promise. Read results after the scope: await tensor.data() outside of it.",
    );
    expect(held()).toBe(0);
  });

  it("refuses a rejected promise without an unhandled rejection", async () => {
    const reject = (async () => {
      throw new Error("unseen");
    }) as unknown as () => number;
    expect(thrown(() => scope(reject)).code).toBe("ERR_VALUE");
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("does not compile with an asynchronous function", () => {
    const never = () => {
      // @ts-expect-error a Promise is no result of a scope
      scope(async () => 1);
    };
    expect(never).toBeTypeOf("function");
  });

  it("says in the error of a freed tensor that it freed it", () => {
    let inside: Tensor | undefined;
    scope(() => {
      inside = tensor([1]);
    });
    expect(thrown(() => exp(inside!)).message).toBe(
      "exp: tensor of shape [1] expects a tensor that was not freed, but received one that was: it was made inside scope(), which freed it on return. Call .keep() on it before, or read its data while it lives.",
    );
  });

  it("frees a view and its base once each", () => {
    scope(() => void tensor([[1, 2]]).transpose());
    expect(held()).toBe(0);
  });
});

describe("composite", () => {
  it("frees what lies between, outside of scopes", () => {
    const x = tensor([1, 2]);
    const y = composite("f", () => exp(mul(x, 2)));
    expect(held()).toBe(2);
    y.dispose();
  });

  it("leaves that to the scope around it, inside one", () => {
    scope(() => {
      const current: Scope | null = state.scope;
      composite("f", () => {
        expect(state.scope).toBe(current);
        return exp(mul(tensor([1]), 2));
      });
      expect(held()).toBe(3);
    });
    expect(held()).toBe(0);
  });
});
