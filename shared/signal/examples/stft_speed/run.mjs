// Times the transform in WebAssembly on one thread of Node (the engine of Chromium) and prints one
// JSON object, million samples a second. Usage: node run.mjs FOLDER, where wasm-bindgen
// --target nodejs put stft_speed_wasm.js.

import { createRequire } from "node:module";
import path from "node:path";

const folder = path.resolve(process.argv[2]);
const { Speed, fft_sizes } = createRequire(import.meta.url)(path.join(folder, "stft_speed_wasm.js"));

const AT_LEAST_MS = 1500;
const rates = {};
for (const fftSize of fft_sizes()) {
  const speed = new Speed(fftSize);
  for (const [name, work] of [
    ["wasm", () => speed.spectrogram()],
    ["wasm columns", () => speed.columns()],
  ]) {
    // The optimising compiler takes over during the first calls.
    for (let i = 0; i < 20; i++) work();
    let best = Infinity;
    const begun = performance.now();
    while (performance.now() - begun < AT_LEAST_MS) {
      const piece = performance.now();
      work();
      best = Math.min(best, performance.now() - piece);
    }
    rates[`${fftSize} ${name} 1`] = Number((speed.samples() / best / 1e3).toFixed(1));
  }
}
console.log(JSON.stringify(rates));
