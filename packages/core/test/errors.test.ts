import { isNeuriteError, NeuriteError, ShapeError, ValueError } from "@neurite/core";
import { describe, expect, it } from "vitest";

describe("errors", () => {
  const info = { op: "conv2d", argument: "filter", expected: "4 channels", received: "3", remedy: "Transpose it" };

  it("say op, argument, expected, received and remedy", () => {
    const error = new ShapeError({ ...info, remedy: "Transpose it." });
    expect(error.message).toBe("conv2d: filter expects 4 channels, but received 3. Transpose it.");
    expect(error).toMatchObject({ code: "ERR_SHAPE", name: "ShapeError", info: { op: "conv2d" } });
    expect(error).toBeInstanceOf(NeuriteError);
    expect(error).toBeInstanceOf(Error);
  });

  it("leave out what they do not know", () => {
    expect(new ValueError({ op: "load", received: "nothing" }).message).toBe("load: received nothing.");
    expect(new ValueError({ op: "load", argument: "path", received: "a folder" }).message).toBe(
      "load: path is a folder.",
    );
    expect(new ValueError({ op: "load", argument: "path", expected: "a file" }).message).toBe(
      "load: path expects a file.",
    );
  });

  it("collect the path of modules, outermost first", () => {
    const error = new ValueError({ op: "f", received: "x" });
    error.prependModule("lstm");
    error.prependModule("encoder");
    expect(error.message).toBe("f: received x. (in module encoder.lstm)");
    expect(error.modulePath).toEqual(["encoder", "lstm"]);
  });

  it("are recognised by their brand", () => {
    expect(isNeuriteError(new ValueError(info))).toBe(true);
    expect(isNeuriteError({ [Symbol.for("neurite.error")]: true })).toBe(true);
    expect([isNeuriteError(new Error("no")), isNeuriteError(null), isNeuriteError("no")]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("keep their cause", () => {
    const cause = new Error("disk");
    expect(new ValueError(info, { cause }).cause).toBe(cause);
  });
});
