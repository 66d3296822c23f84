// The worker that detects in the tab: a WebAssembly module of its own, fetched when somebody detects.
// The program says `Ready` when it listens: what is sent before is lost.
import init from "./spyhop-listener.js";

await init({ module_or_path: new URL("./spyhop-listener_bg.wasm", import.meta.url) });
