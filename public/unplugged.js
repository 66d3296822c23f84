// Holds what a presentation fetches, so that it goes on when the network is gone (app/guide/src/story/unplugged.rs).
//
// A service worker: whatever the page and its own workers ask for comes through here, is kept when it has
// come once, and is answered from there. It stays for one page: a page that presents nothing sends it away.

const STORE = "spyhop-presentation";
// Parts of recordings are kept in blocks of this size, so that whoever asks for other bytes finds them, too.
const BLOCK = 1 << 18;
const STATE = "unplugged.json";
const PRESENTS = ["present", "kiosk"];
// What may change meanwhile is asked for anew, but no longer than this, ms.
const PATIENCE = 3000;

let failures = 0;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", event => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", event => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || !address.protocol.startsWith("http")) return;
  if (request.mode === "navigate") {
    // A page within the page is not what is presented.
    if (request.destination === "document") event.respondWith(page(event, address));
  } else if (address.pathname.endsWith("/" + STATE)) {
    event.respondWith(new Response(JSON.stringify({ failures }), { headers: { "content-type": "application/json" } }));
  } else if (!(request.headers.get("accept") || "").includes("event-stream")) {
    event.respondWith(request.headers.has("range") ? part(request) : whole(request));
  }
});

// The page itself: anew from the network where there is one.
async function page(event, address) {
  const presents = asksToPresent(address);
  // Its query says what it shows, and changes while it does.
  const name = `${address.origin}${address.pathname}?spyhop-page`;
  try {
    const answer = await fetch(event.request);
    // A server that is in trouble takes nothing away; one that asks who reads is shown.
    const is_trouble = !answer.ok && answer.type !== "opaqueredirect" && answer.status !== 401;
    if (presents && is_trouble) return (await kept(name)) || answer;
    if (presents && !answer.ok) return answer;
    // The page that is left does not count; one beside it keeps what it shows.
    const pages = await self.clients.matchAll({ type: "window" });
    const others = pages.some(other => other.id !== event.clientId && asksToPresent(new URL(other.url)));
    if (!others) {
      await caches.delete(STORE);
      failures = 0;
    }
    if (presents) {
      await caches.open(STORE);
      await keep(name, answer.clone());
    } else if (!others) {
      await self.registration.unregister();
    }
    return answer;
  } catch (error) {
    return (presents && await kept(name)) || Response.error();
  }
}

function asksToPresent(address) {
  return PRESENTS.some(key => address.searchParams.get(key) === "1");
}

async function whole(request) {
  const held = await kept(request.url);
  if (held && !changes(request.url)) return held;
  const fetched = fetch(request).then(async answer => {
    if (answer.status === 200) await keep(request.url, answer.clone());
    return answer.status >= 500 && held ? held : answer;
  });
  if (!held) return fetched;
  const late = new Promise(done => setTimeout(done, PATIENCE, held));
  return Promise.race([fetched.catch(() => held), late]);
}

// Whether something is told anew each time: tiles are named by what they are.
function changes(address) {
  return address.includes("/api/v1/") && !address.includes("/tiles/");
}

// A range, made of blocks. What is asked for in a way that this does not know goes through.
async function part(request) {
  const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range"));
  if (!asked) return fetch(request);
  const first = Number(asked[1]);
  const head = await block(request, Math.floor(first / BLOCK));
  if (head.status !== 206) return fetch(request);
  const size = Number((head.headers.get("content-range") || "").split("/")[1]);
  if (!(size > first)) return fetch(request);
  const last = Math.min(asked[2] ? Number(asked[2]) : size - 1, size - 1);
  const more = [];
  for (let n = Math.floor(first / BLOCK) + 1; n <= Math.floor(last / BLOCK); n++) more.push(block(request, n));
  const blocks = [head, ...await Promise.all(more)];
  if (blocks.some(each => each.status !== 206)) return fetch(request);
  const bytes = new Uint8Array(last - first + 1);
  let from = Math.floor(first / BLOCK) * BLOCK;
  for (const each of blocks) {
    const data = new Uint8Array(await each.arrayBuffer());
    const begin = Math.max(first, from), end = Math.min(last + 1, from + data.length);
    if (end > begin) bytes.set(data.subarray(begin - from, end - from), begin - first);
    from += BLOCK;
  }
  const headers = new Headers(head.headers);
  headers.set("content-range", `bytes ${first}-${last}/${size}`);
  headers.set("content-length", String(bytes.length));
  return new Response(bytes, { status: 206, headers });
}

async function block(request, n) {
  const name = `${request.url}${request.url.includes("?") ? "&" : "?"}spyhop-block=${n}`;
  const held = await kept(name);
  if (held) return new Response(held.body, { status: 206, headers: held.headers });
  const headers = new Headers(request.headers);
  headers.set("range", `bytes=${n * BLOCK}-${(n + 1) * BLOCK - 1}`);
  const answer = await fetch(request.url, { headers, mode: request.mode, credentials: request.credentials });
  // No store takes a part as such.
  if (answer.status === 206) {
    const copy = answer.clone();
    await keep(name, new Response(copy.body, { status: 200, headers: copy.headers }));
  }
  return answer;
}

// A page that presents nothing is still asked about until it is closed: for that nothing is stored.
async function kept(name) {
  if (!(await caches.has(STORE))) return undefined;
  return (await caches.open(STORE)).match(name, { ignoreVary: true });
}

// A full disk keeps nobody from seeing what has come.
async function keep(name, answer) {
  const asked = answer.headers.get("cache-control") || "";
  if (asked.includes("no-store") || !(await caches.has(STORE))) return;
  try {
    await (await caches.open(STORE)).put(name, answer);
  } catch (error) {
    failures += 1;
  }
}
