/** The backends a run can choose from, loaded when chosen. */
import { auto, BACKENDS } from "@neurite/auto";
import { type Device, setDefaultDevice, ValueError } from "@neurite/core";

const CHOICES: Readonly<Record<string, () => Promise<Device>>> = {
  async auto() {
    const { device, backend, reason } = await auto();
    console.error(`Backend ${backend}: ${reason}`);
    return device;
  },
  ...BACKENDS,
  gpujs: async () => (await import("@neurite/backend-gpujs")).gpujs(),
};

export const DEFAULT_BACKEND = "auto";
export const BACKEND_NAMES = Object.keys(CHOICES);

/** Makes the named backend the default device. */
export async function useBackend(name: string): Promise<Device> {
  const create = Object.hasOwn(CHOICES, name) ? CHOICES[name] : undefined;
  if (!create) {
    throw new ValueError({
      op: "translate",
      argument: "--backend",
      expected: `one of ${BACKEND_NAMES.join(", ")}`,
      received: `"${name}"`,
      remedy: "Leave it out for the fastest.",
    });
  }
  const device = await create();
  setDefaultDevice(device);
  return device;
}
