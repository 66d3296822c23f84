// Stories and classes: a WebAssembly module of its own, fetched when somebody opens one.
import init from "./spyhop-guide.js";

await init({ module_or_path: new URL("./spyhop-guide_bg.wasm", import.meta.url) });
