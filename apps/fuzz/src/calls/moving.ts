/** Ops that move elements or make new ones: views, copies, joins, gathering, filling, random numbers. */
import * as core from "@neurite/core";
import { type DType, Generator, type SliceRange, type Tensor } from "@neurite/core";
import * as fc from "fast-check";
import { type Arguments, type Call, callsOf, EXACT, near, scaled } from "../call.js";
import { dtypes, indices, numbersOf, oddities, shapes, type TensorSpec, tensors } from "../tensors.js";

const SLOPE = scaled(1e-5);

/** A tensor of 0 to 4 axes, and what `more` draws for its shape. */
function of<O>(more: (shape: number[]) => fc.Arbitrary<O>, least = 0, most = 4): fc.Arbitrary<Arguments<O>> {
  return fc
    .tuple(shapes(least, most), dtypes, oddities("any"))
    .chain(([shape, dtype, oddity]) => fc.tuple(tensors(shape, dtype, oddity), more(shape)))
    .map(([input, options]) => ({ inputs: [input], options }));
}

const axisOf = (shape: readonly unknown[], more = 0): fc.Arbitrary<number> =>
  fc.integer({ min: -(shape.length + more), max: Math.max(shape.length + more - 1, 0) });

function moving<O>(
  op: string,
  draw: fc.Arbitrary<Arguments<O>>,
  run: (inputs: readonly Tensor[], options: O) => Tensor | readonly Tensor[],
  accuracy = EXACT,
): readonly [string, fc.Arbitrary<Call>] {
  return [op, callsOf({ op, draw, run, accuracy, gradient: SLOPE })];
}

const permutation = (n: number): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray(
    Array.from({ length: n }, (_, i) => i),
    { minLength: n, maxLength: n },
  );

/** The lengths of a shape, joined and split anew. */
const reshapedTo = (shape: number[]): fc.Arbitrary<number[]> => {
  const factors = shape.flatMap((length) => {
    const half = [2, 3, 5].find((factor) => length > factor && length % factor === 0);
    return half ? [half, length / half] : [length];
  });
  return fc.array(fc.boolean(), { minLength: factors.length, maxLength: factors.length }).map((joins) => {
    const joined: number[] = [];
    for (const [i, length] of factors.entries()) {
      if (joins[i] && joined.length > 0) joined[joined.length - 1]! *= length;
      else joined.push(length);
    }
    return joined;
  });
};

const bound = (length: number) => fc.option(fc.integer({ min: -length - 1, max: length + 1 }), { freq: 3 });

const rangeOf = (length: number): fc.Arbitrary<SliceRange> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.integer({ min: -length, max: Math.max(length - 1, 0) }) },
    {
      weight: 3,
      arbitrary: fc.tuple(bound(length), bound(length), fc.constantFrom(1, 1, 2, 3, -1, -2)),
    },
  );

const someOf = <T>(items: readonly T[]) => fc.subarray([...items]);

/** Tensors alike but for the length of one axis. */
const alike: fc.Arbitrary<Arguments<{ axis: number }>> = fc
  .tuple(shapes(1, 3), dtypes, fc.integer({ min: 1, max: 4 }), oddities("any"))
  .chain(([shape, dtype, count, oddity]) =>
    fc
      .tuple(axisOf(shape), fc.array(fc.integer({ min: 0, max: 5 }), { minLength: count, maxLength: count }))
      .chain(([axis, lengths]) =>
        fc
          .tuple(...lengths.map((length) => tensors(shape.with(axis, length), dtype, oddity)))
          .map((inputs) => ({ inputs, options: { axis } })),
      ),
  );

const same: fc.Arbitrary<Arguments<{ axis: number }>> = fc
  .tuple(shapes(0, 3), dtypes, fc.integer({ min: 1, max: 4 }), oddities("any"))
  .chain(([shape, dtype, count, oddity]) =>
    fc
      .tuple(axisOf(shape, 1), ...Array.from({ length: count }, () => tensors(shape, dtype, oddity)))
      .map(([axis, ...inputs]) => ({ inputs, options: { axis } })),
  );

const gathered: fc.Arbitrary<Arguments<{ axis: number }>> = fc
  .tuple(shapes(1, 3), dtypes, shapes(0, 2), oddities("any"))
  .chain(([shape, dtype, rows, oddity]) =>
    axisOf(shape).chain((axis) =>
      fc
        .tuple(tensors(shape, dtype, oddity), indices(rows, shape.at(axis)!))
        .map((inputs) => ({ inputs, options: { axis } })),
    ),
  );

const scattered: fc.Arbitrary<Arguments<{ axis: number; shape: number[] }>> = fc
  .tuple(shapes(1, 3), dtypes, fc.integer({ min: 0, max: 9 }), oddities("endless"))
  .chain(([shape, dtype, rows, oddity]) =>
    axisOf(shape).chain((axis) =>
      fc
        .tuple(tensors(shape.with(axis, rows), dtype, oddity), indices([rows], shape.at(axis)!))
        .map((inputs) => ({ inputs, options: { axis, shape } })),
    ),
  );

const picked: fc.Arbitrary<Arguments<null>> = fc
  .tuple(shapes(1, 3), dtypes, oddities("any"))
  .chain(([shape, dtype, oddity]) =>
    fc
      .tuple(tensors(shape, dtype, oddity), indices(shape.slice(0, -1), shape.at(-1)!))
      .map((inputs) => ({ inputs, options: null })),
  );

/** No tensor goes in. */
const none = <O>(options: fc.Arbitrary<O>): fc.Arbitrary<Arguments<O>> =>
  options.map((drawn) => ({ inputs: [] as TensorSpec[], options: drawn }));

const narrow = fc.constantFrom<DType>("float32", "int32", "uint8", "bool");
const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

const MOVING = [
  moving("reshape", of(reshapedTo), ([x], shape) => core.reshape(x!, shape)),
  moving(
    "permute",
    of((shape) => permutation(shape.length)),
    ([x], axes) => core.permute(x!, axes),
  ),
  moving(
    "transpose",
    of((shape) => fc.tuple(axisOf(shape), axisOf(shape)), 1),
    ([x], [a, b]) => core.transpose(x!, a, b),
  ),
  moving(
    "expand",
    of((shape) =>
      fc
        .tuple(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }), fc.integer({ min: 0, max: 4 }))
        .map(([lead, wide]) => [...lead, ...shape.map((length) => (length === 1 ? wide : length))]),
    ),
    ([x], shape) => core.expand(x!, shape),
  ),
  moving(
    "slice",
    of((shape) => fc.tuple(...shape.map(rangeOf))),
    ([x], ranges) => core.slice(x!, ranges as SliceRange[]),
  ),
  moving(
    "flip",
    of((shape) => someOf(shape.map((_, axis) => axis))),
    ([x], axes) => core.flip(x!, axes),
  ),
  moving(
    "squeeze",
    of((shape) => fc.option(axisOf(shape))),
    ([x], axis) => core.squeeze(x!, axis ?? undefined),
  ),
  moving(
    "unsqueeze",
    of((shape) => axisOf(shape, 1)),
    ([x], axis) => core.unsqueeze(x!, axis),
  ),
  moving(
    "windows",
    of((shape) => {
      const small = fc.integer({ min: 1, max: 3 });
      return fc.tuple(axisOf(shape), fc.record({ size: small, stride: small, dilation: small }));
    }, 1),
    ([x], [axis, options]) => core.windows(x!, axis, options),
  ),
  moving("concat", alike, (inputs, { axis }) => core.concat(inputs, axis)),
  moving("stack", same, (inputs, { axis }) => core.stack(inputs, axis)),
  moving(
    "split",
    of((shape) => fc.tuple(fc.integer({ min: 1, max: 4 }), axisOf(shape)), 1),
    ([x], [parts, axis]) => core.split(x!, parts, axis),
  ),
  moving(
    "unstack",
    of((shape) => axisOf(shape), 1, 3),
    ([x], axis) => core.unstack(x!, axis),
  ),
  moving(
    "pad",
    of(
      (shape) => {
        const width = fc.integer({ min: 0, max: 3 });
        const widths = fc.array(fc.record({ before: width, after: width, interior: width }), {
          minLength: shape.length,
          maxLength: shape.length,
        });
        return fc.tuple(widths, fc.oneof(fc.constantFrom(0, 1), numbersOf("float32", "any")));
      },
      0,
      3,
    ),
    ([x], [widths, value]) => core.pad(x!, widths, value),
  ),
  moving("gather", gathered, ([x, at], { axis }) => core.gather(x!, at!, axis)),
  moving("scatterAdd", scattered, ([x, at], { axis, shape }) => core.scatterAdd(x!, at!, shape, axis), near(1e-5)),
  moving("pick", picked, ([x, at]) => core.pick(x!, at!)),
  moving(
    "copy",
    of(() => fc.constant(null)),
    ([x]) => core.copy(x!),
  ),
  moving(
    "cast",
    of(() => narrow),
    ([x], dtype) => core.cast(x!, dtype),
  ),
  moving(
    "zerosLike",
    of(() => fc.constant(null)),
    ([x]) => core.zerosLike(x!),
  ),
  moving(
    "onesLike",
    of(() => fc.constant(null)),
    ([x]) => core.onesLike(x!),
  ),
  moving("zeros", none(fc.tuple(shapes(0, 3), narrow)), (_, [shape, dtype]) => core.zeros(shape, { dtype })),
  moving("ones", none(fc.tuple(shapes(0, 3), narrow)), (_, [shape, dtype]) => core.ones(shape, { dtype })),
  moving("full", none(fc.tuple(shapes(0, 3), numbersOf("float32", "any"), narrow)), (_, [shape, value, dtype]) =>
    core.full(shape, value, { dtype }),
  ),
  moving(
    "arange",
    none(
      fc.tuple(
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: -50, max: 400 }),
        fc.constantFrom(1, 2, 0.5, -1, -3),
        fc.constantFrom<DType>("float32", "int32", "uint8"),
      ),
    ),
    (_, [start, end, step, dtype]) => core.arange(start, end, step, { dtype }),
  ),
  moving("uniform", none(fc.tuple(shapes(0, 2), seeds)), (_, [shape, seed]) =>
    core.uniform(shape, -1, 3, { generator: new Generator(seed) }),
  ),
  moving("normal", none(fc.tuple(shapes(0, 2), seeds)), (_, [shape, seed]) =>
    core.normal(shape, 0.5, 2, { generator: new Generator(seed) }),
  ),
  moving("randomIntegers", none(fc.tuple(shapes(0, 2), seeds)), (_, [shape, seed]) =>
    core.randomIntegers(shape, -5, 1000, { generator: new Generator(seed) }),
  ),
  moving(
    "dropout",
    of(() => fc.tuple(fc.constantFrom(0, 0.1, 0.5, 0.9), seeds)),
    ([x], [p, seed]) => core.dropout(x!, p, new Generator(seed)),
    near(1e-6),
  ),
] as const;

export const MOVERS: Readonly<Record<string, fc.Arbitrary<Call>>> = Object.fromEntries(MOVING);
