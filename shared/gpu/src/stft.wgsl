// Frames of samples to one-sided power, pooled over the frames of a slot.
//
// Before this text stand the constants FFT_SIZE (N, a power of two from 64 to 4096) and THREADS
// (min(N / 8, 256)). The real transform is a complex one of half the length, M = N / 2: even samples
// are its real parts and odd ones its imaginary parts, so that N = 4096 just fits the 16 KiB that
// every device gives a workgroup.

const HALF: u32 = FFT_SIZE / 2u;
// Butterflies of four points that a thread does in one pass.
const FOURS: u32 = HALF / 4u / THREADS;
const PAIRS: u32 = HALF / 2u / THREADS;
// Bins of a thread: M + 1 dealt to all threads.
const BINS: u32 = HALF / THREADS + 1u;

struct Params {
    hop_samples: u32,
    slots: u32,
    // Workgroups in a row of the dispatch: a dimension holds at most 65 535.
    row: u32,
    unused: u32,
}

struct Slot {
    // Where the first frame begins in the samples.
    first_sample: u32,
    frames: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> samples: array<f32>;
// Window times the square root of the scale, zeros up to N.
@group(0) @binding(2) var<storage, read> window: array<f32>;
// exp(-2πi k / N), k from 0 to N - 1; computed in f64, because sin and cos here are too coarse.
@group(0) @binding(3) var<storage, read> twiddles: array<vec2f>;
@group(0) @binding(4) var<storage, read> slots: array<Slot>;
// Sum and maximum of each bin's power: slot by slot, M + 1 bins each.
@group(0) @binding(5) var<storage, read_write> pooled: array<vec2f>;

var<workgroup> points: array<vec2f, HALF>;

fn times(a: vec2f, b: vec2f) -> vec2f {
    return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// Multiplied by -i.
fn turned(a: vec2f) -> vec2f {
    return vec2f(a.y, -a.x);
}

fn load(first: u32, thread: u32) {
    for (var i = thread; i < HALF; i += THREADS) {
        let even = samples[first + 2u * i] * window[2u * i];
        let odd = samples[first + 2u * i + 1u] * window[2u * i + 1u];
        points[i] = vec2f(even, odd);
    }
}

// One Stockham pass of four-point transforms: `done` points are transformed before it, 4 · done
// after it, in order.
fn pass_of_four(done: u32, thread: u32) {
    var held: array<array<vec2f, 4>, FOURS>;
    for (var f = 0u; f < FOURS; f++) {
        let j = thread + f * THREADS;
        let turn = (j % done) * (FFT_SIZE / (4u * done));
        let a = points[j];
        let b = times(points[j + HALF / 4u], twiddles[turn]);
        let c = times(points[j + HALF / 2u], twiddles[2u * turn]);
        let d = times(points[j + 3u * HALF / 4u], twiddles[3u * turn]);
        let even = a + c;
        let odd = a - c;
        let sum = b + d;
        let difference = turned(b - d);
        held[f] = array<vec2f, 4>(even + sum, odd + difference, even - sum, odd - difference);
    }
    workgroupBarrier();
    for (var f = 0u; f < FOURS; f++) {
        let j = thread + f * THREADS;
        let to = (j / done) * 4u * done + j % done;
        points[to] = held[f][0];
        points[to + done] = held[f][1];
        points[to + 2u * done] = held[f][2];
        points[to + 3u * done] = held[f][3];
    }
    workgroupBarrier();
}

// The last pass, where M is no power of four: two-point transforms of M / 2 each.
fn pass_of_two(thread: u32) {
    var held: array<array<vec2f, 2>, PAIRS>;
    for (var p = 0u; p < PAIRS; p++) {
        let j = thread + p * THREADS;
        let a = points[j];
        let b = times(points[j + HALF / 2u], twiddles[2u * j]);
        held[p] = array<vec2f, 2>(a + b, a - b);
    }
    workgroupBarrier();
    for (var p = 0u; p < PAIRS; p++) {
        let j = thread + p * THREADS;
        points[j] = held[p][0];
        points[j + HALF / 2u] = held[p][1];
    }
    workgroupBarrier();
}

// One-sided power of bin k, 0 ≤ k ≤ M, out of the packed transform Z:
// X[k] = (Z[k] + Z*[M-k]) / 2 - i/2 · exp(-2πi k / N) · (Z[k] - Z*[M-k]).
fn power(k: u32) -> f32 {
    let z = points[k % HALF];
    let m = points[(HALF - k) % HALF];
    let mirrored = vec2f(m.x, -m.y);
    let x = 0.5 * (z + mirrored + turned(times(twiddles[k], z - mirrored)));
    let sides = select(2.0, 1.0, k == 0u || k == HALF);
    return sides * dot(x, x);
}

@compute @workgroup_size(THREADS)
fn frames_to_power(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_index) thread: u32,
) {
    let index = group.y * params.row + group.x;
    if (index >= params.slots) {
        return;
    }
    let slot = slots[index];
    var sums: array<f32, BINS>;
    var maxima: array<f32, BINS>;
    for (var frame = 0u; frame < slot.frames; frame++) {
        load(slot.first_sample + frame * params.hop_samples, thread);
        workgroupBarrier();
        var done = 1u;
        for (; 4u * done <= HALF; done *= 4u) {
            pass_of_four(done, thread);
        }
        if (done < HALF) {
            pass_of_two(thread);
        }
        for (var i = 0u; i < BINS; i++) {
            let k = thread + i * THREADS;
            if (k <= HALF) {
                let p = power(k);
                sums[i] += p;
                maxima[i] = max(maxima[i], p);
            }
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < BINS; i++) {
        let k = thread + i * THREADS;
        if (k <= HALF) {
            pooled[index * (HALF + 1u) + k] = vec2f(sums[i], maxima[i]);
        }
    }
}
