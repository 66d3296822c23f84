// A worker of the page: the same WebAssembly module, already compiled, run once more.
// The page sends the module when this script says that it listens; the module says `ready` itself.
import init from "./spyhop-app.js";

self.addEventListener("message", (event) => init({ module_or_path: event.data }), { once: true });
self.postMessage("listening");
