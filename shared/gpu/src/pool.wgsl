// Slots to columns: sums and maxima of a column's slots and of a row's bins, and at the end mean and
// maximum, in power or in dB.

struct Params {
    // Bins of a transform, M + 1.
    bins: u32,
    first_row: u32,
    rows: u32,
    bins_per_row: u32,
    // Columns of this batch, or of the whole picture when finishing.
    columns: u32,
    // 1 for 10·lg(power).
    decibels: u32,
    unused_a: u32,
    unused_b: u32,
}

struct Part {
    column: u32,
    first_slot: u32,
    slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pooled: array<vec2f>;
@group(0) @binding(2) var<storage, read> parts: array<Part>;
// Frames of each column.
@group(0) @binding(3) var<storage, read> frames: array<u32>;
// Sum and maximum of the whole picture, column by column; mean and maximum once finished.
@group(0) @binding(4) var<storage, read_write> picture: array<vec2f>;

fn end_bin(row: u32) -> u32 {
    return min((row + 1u) * params.bins_per_row, params.bins);
}

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) at: vec3u) {
    if (at.x >= params.rows || at.y >= params.columns) {
        return;
    }
    let row = params.first_row + at.x;
    let part = parts[at.y];
    var sum = 0.0;
    var largest = 0.0;
    for (var slot = part.first_slot; slot < part.first_slot + part.slots; slot++) {
        for (var bin = row * params.bins_per_row; bin < end_bin(row); bin++) {
            let cell = pooled[slot * params.bins + bin];
            sum += cell.x;
            largest = max(largest, cell.y);
        }
    }
    let index = part.column * params.rows + at.x;
    let before = picture[index];
    picture[index] = vec2f(before.x + sum, max(before.y, largest));
}

// A power of zero is drawn as the smallest that f32 holds in full precision.
fn level(power: f32) -> f32 {
    return select(power, 3.0102999566 * log2(max(power, 1.17549435e-38)), params.decibels == 1u);
}

@compute @workgroup_size(64)
fn finish(@builtin(global_invocation_id) at: vec3u) {
    if (at.x >= params.rows || at.y >= params.columns) {
        return;
    }
    let row = params.first_row + at.x;
    let cells = max(frames[at.y], 1u) * (end_bin(row) - row * params.bins_per_row);
    let index = at.y * params.rows + at.x;
    let sum_and_max = picture[index];
    picture[index] = vec2f(level(sum_and_max.x / f32(cells)), level(sum_and_max.y));
}
