// Stories and classes: a WebAssembly module of its own, fetched when somebody opens one.
import init from "./spyhop-guide.js";

try {
  await init({ module_or_path: new URL("./spyhop-guide_bg.wasm", import.meta.url) });
} catch (error) {
  // The page waits for it, and is told of a script that fails to load but not of one that fails to run.
  document.querySelector("script[src='guide.js']")?.dispatchEvent(new Event("error"));
  throw error;
}
