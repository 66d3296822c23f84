// Plays chunks that a worker renders. The worker is asked for more through a port of its own, so that
// nothing on the page's main thread can make a gap.
const AHEAD_S = 0.5;
const CHUNK_S = 0.25;
const FADE_S = 0.005;

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.chunks = [];
    this.at = 0; // in the first chunk
    this.queued = 0;
    this.asked = 0;
    this.fade = 0; // frames left of the fade at the end, once it has begun
    this.stopping = false;
    this.port.onmessage = ({ data }) => {
      if (data === "stop") {
        this.stopping = true;
        this.fade = Math.round(FADE_S * sampleRate);
      } else {
        this.source = data;
        this.source.onmessage = (event) => this.receive(event.data);
        this.ask();
      }
    };
  }

  ask() {
    const chunk = Math.round(CHUNK_S * sampleRate);
    while (!this.ended && this.queued + this.asked < AHEAD_S * sampleRate) {
      this.asked += chunk;
      this.source.postMessage(chunk);
    }
  }

  receive(message) {
    if (message[0] !== "chunk") {
      this.port.postMessage(message);
      return;
    }
    const [, buffer, ended, stretches] = message;
    const samples = new Float32Array(buffer);
    this.asked = Math.max(0, this.asked - Math.round(CHUNK_S * sampleRate));
    this.queued += samples.length;
    this.ended = ended;
    if (samples.length > 0) this.chunks.push({ samples, stretches });
    this.ask();
  }

  process(_inputs, [[out, ...others]]) {
    let filled = 0;
    while (filled < out.length && this.chunks.length > 0) {
      const { samples, stretches } = this.chunks[0];
      if (this.at === 0) this.port.postMessage(["at", currentTime + filled / sampleRate, stretches]);
      const count = Math.min(out.length - filled, samples.length - this.at);
      out.set(samples.subarray(this.at, this.at + count), filled);
      filled += count;
      this.at += count;
      this.queued -= count;
      if (this.at === samples.length) {
        this.port.postMessage(["heard", samples.buffer], [samples.buffer]);
        this.chunks.shift();
        this.at = 0;
      }
    }
    if (this.stopping) {
      const length = FADE_S * sampleRate;
      for (let i = 0; i < out.length; i++) out[i] *= Math.max(0, this.fade - i) / length;
      this.fade = Math.max(0, this.fade - out.length);
    }
    for (const other of others) other.set(out);
    if (this.source && !this.ended) this.ask();
    if (this.ended && this.chunks.length === 0) this.port.postMessage(["ended"]);
    const done = (this.ended && this.chunks.length === 0) || (this.stopping && this.fade === 0);
    return !done;
  }
}

registerProcessor("spyhop-playback", Playback);
