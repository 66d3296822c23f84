// Fetches the parts of the program that the first picture does not need, and links them to it.

const isWorker = typeof window === "undefined";
// By file, on the page: the promise that it is linked. In a worker: that it is.
const linked = new Map();
let exports;
let imports;

// The program says here how to get at what it exports, once it runs.
export function lend(given) {
  exports = given;
}

// What a part uses of the program: its memory, its table of functions, and the like.
function given() {
  imports ??= { __wasm_split: { ...exports() } };
  return imports;
}

const address = (file) => new URL(file, import.meta.url);

// On the page. A file that is linked again would put what it keeps in memory back to its beginning; one that
// did not come is asked for anew the next time.
function link(file) {
  if (!linked.has(file)) {
    const done = fetch(address(file)).then(async (answer) => {
      if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
      await WebAssembly.instantiate(await answer.arrayBuffer(), given());
    });
    linked.set(file, done);
    done.catch(() => linked.delete(file));
  }
  return linked.get(file);
}

// In a worker, which may wait: whoever reads a recording there need not know that a part was missing.
function linkNow(file) {
  if (linked.has(file)) return;
  const request = new XMLHttpRequest();
  request.open("GET", address(file), false);
  request.responseType = "arraybuffer";
  request.send();
  if (request.status !== 200) throw new Error(`${file}: ${request.status}`);
  new WebAssembly.Instance(new WebAssembly.Module(request.response), given());
  linked.set(file, true);
}

function part(...files) {
  return (callback, data) => {
    const say = (done) => exports().__indirect_function_table.get(callback)(data, done);
    const failed = (error) => {
      console.error("a part of Spyhop could not be loaded:", error);
      say(false);
    };
    if (!isWorker) {
      Promise.all(files.map(link)).then(() => say(true), failed);
      return;
    }
    try {
      files.forEach(linkNow);
    } catch (error) {
      return failed(error);
    }
    say(true);
  };
}
