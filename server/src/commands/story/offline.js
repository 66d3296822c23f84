// Lets the page run from one file on a disk, where a browser fetches nothing and imports no module: what the
// page asks for by a name comes out of `spyhopFiles`, in which this file and those beside it put everything.
(function () {
  "use strict";
  const SCRIPT = "text/javascript";
  const base = new URL("./", document.baseURI).href;
  const files = globalThis.spyhopFiles;
  const texts = new Map();
  const blobs = {};
  for (const name of Object.keys(files)) {
    const { type, text, base64 } = files[name];
    if (type === SCRIPT) texts.set(name, text);
    blobs[name] = new Blob([base64 === undefined ? text : bytes(base64)], { type });
  }

  function bytes(base64) {
    const plain = atob(base64);
    const into = new Uint8Array(plain.length);
    for (let i = 0; i < plain.length; i++) into[i] = plain.charCodeAt(i);
    return into;
  }

  // What is asked for below the page is answered from the files, and from nowhere else; by ranges, as a server
  // answers. It stands in the page and, by its own text, in each worker.
  function answer(blobs, base) {
    const named = (url) => {
      const bare = new URL(url, base).href.split(/[?#]/)[0];
      return bare.startsWith(base) ? decodeURIComponent(bare.slice(base.length)) : null;
    };
    const cut = (blob, range) => {
      const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range || "") || [];
      if (first === undefined) return { part: blob, status: 200, headers: { "Content-Length": blob.size } };
      const end = Math.min(last ? Number(last) + 1 : blob.size, blob.size);
      const part = blob.slice(Number(first), end, blob.type);
      const told = "bytes " + first + "-" + (end - 1) + "/" + blob.size;
      return { part, status: 206, headers: { "Content-Length": part.size, "Content-Range": told } };
    };
    const fetched = self.fetch;
    self.fetch = function (asked, how) {
      const request = asked instanceof Request ? asked : new Request(asked, how);
      const name = named(request.url);
      if (name === null) return fetched(asked, how);
      if (!Object.hasOwn(blobs, name)) return Promise.resolve(new Response("", { status: 404 }));
      const { part, status, headers } = cut(blobs[name], request.headers.get("Range"));
      headers["Content-Type"] = part.type;
      return Promise.resolve(new Response(part, { status, headers }));
    };
    const Asked = self.XMLHttpRequest;
    self.XMLHttpRequest = class extends Asked {
      open(method, url, ...how) {
        this.blob = blobs[named(url)];
        if (!this.blob) super.open(method, url, ...how);
      }
      setRequestHeader(name, value) {
        if (!this.blob) super.setRequestHeader(name, value);
        else if (name === "Range") this.range = value;
      }
      send(body) {
        if (!this.blob) return super.send(body);
        this.cut = cut(this.blob, this.range);
        // Only workers wait for an answer like this.
        this.read = new FileReaderSync().readAsArrayBuffer(this.cut.part);
      }
      get status() {
        return this.blob ? this.cut.status : super.status;
      }
      get response() {
        return this.blob ? this.read : super.response;
      }
    };
    return named;
  }
  const named = answer(blobs, base);

  // A script with addresses in place of the files that it names by "./name"; what is a key stays, by which the
  // program finds what it imports.
  function linked(name, to) {
    return texts.get(name).replace(/(["'])\.\/([\w.-]+)\1(?!:)/g, function (whole, quote, other) {
      if (other === name || !Object.hasOwn(files, other)) return whole;
      return quote + (texts.has(other) ? to(other) : base + other) + quote;
    });
  }

  // The address of a file for an element of this page.
  const addresses = new Map();
  function address(name) {
    if (!addresses.has(name)) {
      const blob = texts.has(name) ? new Blob([linked(name, address)], { type: SCRIPT }) : blobs[name];
      addresses.set(name, URL.createObjectURL(blob));
    }
    return addresses.get(name);
  }

  // The same of a script for a worker or a worklet, which may not read what belongs to a page of no host: the
  // script itself.
  function itself(name) {
    let plain = "";
    for (const byte of new TextEncoder().encode(linked(name, itself))) plain += String.fromCharCode(byte);
    return "data:" + SCRIPT + ";base64," + btoa(plain);
  }

  // A worker of such a page can't be a module; what it imports can.
  const start = "onmessage = function ({ data }) { onmessage = null; (" + answer + ")(data.blobs, data.base); "
    + "import(data.script).catch((error) => setTimeout(() => { throw error; })); };";
  const bootstrap = URL.createObjectURL(new Blob([start], { type: SCRIPT }));
  const Plain = globalThis.Worker;
  globalThis.Worker = class extends Plain {
    constructor(url, options) {
      const name = named(String(url));
      const is_ours = texts.has(name);
      super(is_ours ? bootstrap : url, is_ours ? {} : options);
      if (is_ours) this.postMessage({ blobs, base, script: itself(name) });
    }
  };

  if (globalThis.AudioWorklet) {
    const add = AudioWorklet.prototype.addModule;
    AudioWorklet.prototype.addModule = function (url, options) {
      const name = named(String(url));
      return add.call(this, texts.has(name) ? itself(name) : url, options);
    };
  }

  // Scripts and style sheets that the page adds later.
  const set = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (key, value) {
    const is_address = this.localName === "script" ? key === "src" : this.localName === "link" && key === "href";
    const name = is_address ? named(String(value)) : null;
    return set.call(this, key, name && Object.hasOwn(files, name) ? address(name) : value);
  };

  // And what the page's own script imports by its address.
  const imports = {};
  for (const name of texts.keys()) imports["./" + name] = address(name);
  const map = document.createElement("script");
  map.type = "importmap";
  map.textContent = JSON.stringify({ imports });
  document.head.append(map);
})();
