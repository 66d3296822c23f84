//! What is to be computed next for the pictures that are shown.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use spyhop_api::view::SpectrumSettings;
use spyhop_signal::Line;

use super::Wanted;
use super::cache::Cache;
use super::target::Target;
use super::tile::{Layer, Place, Quality, TILE_COLUMNS};

/// Pictures that take longer than this are sampled first.
const PATIENCE_MS: f64 = 250.0;
/// What one piece should take: short enough that what the view has left is soon gone.
const PIECE_MS: f64 = 60.0;
/// Samples of a piece that all of them are read for: a worker has twice their bytes in memory.
const MOST_SAMPLES: u64 = 4 << 20;
/// Passes from here on make better what is shown already.
const REFINING_PASS: u32 = 1000;
/// Pieces that are read one after the other by the same worker, and how long they must be for that.
const RUN_PIECES: i64 = 8;
const RUN_FROM_SAMPLES: i64 = 1 << 20;
/// Frames of a column that a sampled picture looks at: one burst of two neighbours, one read.
pub const SAMPLED_FRAMES: usize = 2;
/// A long picture appears at a quarter of its columns first.
const COARSE_FIRST: u32 = 2;

/// A piece of work: some columns of a tile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    pub kind: Kind,
    pub place: Place,
    pub columns: Range<usize>,
}

/// What is computed for the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Power and wave form, by looking at a few frames.
    Sampled(Layer),
    /// Power and wave form.
    Exact(Layer),
    /// The wave form of a channel.
    Wave(u32),
}

/// A piece and what it needs to be ordered.
pub struct Planned {
    pub piece: Piece,
    pub spectrum: SpectrumSettings,
    pub order: Sooner,
}

/// When a piece is due; smaller is sooner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sooner {
    pass: u32,
    /// How far its run is from the middle of the picture.
    distance: i64,
    /// Where its run begins: pieces that one worker does best, one after the other.
    run: i64,
    position: i64,
}

impl Sooner {
    /// In a pass, so far from the middle, of the run that begins at `run`.
    pub fn new(pass: u32, distance: i64, run: i64, position: i64) -> Sooner {
        Sooner { pass, distance, run, position }
    }

    /// Whether both are due in the same pass.
    pub fn is_of_pass(&self, other: &Sooner) -> bool {
        self.pass == other.pass
    }

    /// Whether it makes better what is shown already.
    pub fn refines(&self) -> bool {
        self.pass >= REFINING_PASS
    }

    /// Whether both are of the same run.
    pub fn is_of_run(&self, other: &Sooner) -> bool {
        (self.pass, self.run) == (other.pass, other.run)
    }
}

/// What work takes on this machine, learnt while working.
#[derive(Clone, Debug)]
pub struct Speed {
    /// Nanoseconds for one point of an FFT times its binary logarithm.
    point_ns: f64,
    /// Milliseconds for one sampled column.
    sampled_ms: f64,
    /// Sizes of pieces, fixed once chosen so that pieces do not overlap.
    sizes: HashMap<(bool, SpectrumSettingsKey, u32), usize>,
    /// Bytes that arrive in a millisecond, once that is known.
    pub bytes_per_ms: Option<f64>,
}

type SpectrumSettingsKey = (u32, u32);

impl Default for Speed {
    fn default() -> Speed {
        Speed { point_ns: 0.5, sampled_ms: 1.0, sizes: HashMap::new(), bytes_per_ms: None }
    }
}

impl Speed {
    /// Milliseconds for a column, all frames.
    fn exact_ms(&self, s: &SpectrumSettings, level: u32) -> f64 {
        let frames = ((1u64 << level) as f64 / f64::from(s.hop_samples.max(1))).max(1.0);
        let points = f64::from(s.fft_size.max(2));
        frames * points * points.log2() * self.point_ns / 1e6
    }

    /// Learns from transforming without reading, in samples a second of one worker.
    pub fn learn_in_memory(&mut self, s: &SpectrumSettings, samples_per_s: f64) {
        let points = f64::from(s.fft_size.max(2));
        let hop_ns = f64::from(s.hop_samples) * 1e9 / samples_per_s.max(1.0);
        self.point_ns = (hop_ns / (points * points.log2())).clamp(0.05, 100.0);
    }

    /// What is known of the machine, for something else to be opened.
    pub fn of_machine(&self) -> Speed {
        Speed { bytes_per_ms: None, sizes: HashMap::new(), ..self.clone() }
    }

    /// Learns from a piece of exact work.
    pub fn learn_exact(&mut self, s: &SpectrumSettings, piece: &Piece, elapsed_ms: f64) {
        let expected = self.exact_ms(s, piece.place.level) * piece.columns.len() as f64;
        if expected > 0.0 {
            let measured = self.point_ns * elapsed_ms / expected;
            self.point_ns = (0.8 * self.point_ns + 0.2 * measured).clamp(0.05, 100.0);
        }
    }

    /// Learns from a piece of sampled work.
    pub fn learn_sampled(&mut self, piece: &Piece, elapsed_ms: f64) {
        let measured = elapsed_ms / piece.columns.len().max(1) as f64;
        self.sampled_ms = (0.7 * self.sampled_ms + 0.3 * measured).clamp(0.01, 1000.0);
    }

    /// Columns in a piece: a power of two that takes about [`PIECE_MS`].
    fn piece_columns(&mut self, sampled: bool, s: &SpectrumSettings, level: u32) -> usize {
        let column_ms = if sampled { self.sampled_ms } else { self.exact_ms(s, level) };
        *self.sizes.entry((sampled, (s.fft_size, s.hop_samples), level)).or_insert_with(|| {
            let room = (MOST_SAMPLES >> level.min(63)).clamp(1, TILE_COLUMNS as u64) as f64;
            let most = if sampled { TILE_COLUMNS as f64 } else { room };
            let columns = (PIECE_MS / column_ms.max(1e-6)).clamp(1.0, most);
            1 << (columns as usize).ilog2()
        })
    }
}

/// What planning needs to know.
pub struct Situation<'a> {
    pub line: &'a Line,
    pub cache: &'a mut Cache,
    pub speed: &'a mut Speed,
    pub workers: usize,
    /// What is being worked on or could not be done.
    pub taken: &'a HashSet<Piece>,
    /// Whether the samples of a range may be read in full.
    pub affordable: &'a dyn Fn(Range<i64>) -> bool,
}

/// What a set of pictures needs.
#[derive(Default)]
pub struct Plan {
    /// Most urgent first.
    pub queue: Vec<Planned>,
    /// Every piece of the pictures at their own level, done or not.
    pub pieces: Vec<Shown>,
}

/// A piece of a picture.
pub struct Shown {
    pub layer: Layer,
    pub place: Place,
    pub columns: Range<usize>,
    /// Reading all of it would take too long.
    pub stays_sampled: bool,
    /// Which of the pictures it is of.
    pub picture: usize,
}

/// The targets of pictures, the first the most urgent. A picture that another one covers at nearly
/// its level uses the same columns, so that nothing is computed twice.
pub fn targets(wanted: &[Wanted], line: &Line) -> Vec<Target> {
    let rows = wanted.iter().map(|w| w.height_px.next_power_of_two()).max().unwrap_or(0).max(1024);
    let mut targets: Vec<Target> = Vec::with_capacity(wanted.len());
    for w in wanted {
        let mut target = Target::of(w, line.sample_rate_hz, line.end(), rows as usize);
        let shared = targets.iter().find(|t| {
            t.layer.spectrum == target.layer.spectrum
                && t.layer.channel == target.layer.channel
                && t.level.abs_diff(target.level) <= 1
                && t.positions.start <= target.positions.start
                && t.positions.end >= target.positions.end
        });
        if let Some(shared) = shared {
            target.level = shared.level;
            target.wave_level = shared.wave_level;
            target.layer = shared.layer;
        }
        targets.push(target);
    }
    targets
}

/// Plans the work for some pictures.
pub fn plan(wanted: &[Wanted], now: &mut Situation<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut seen = HashSet::new();
    for (i, (wanted, target)) in wanted.iter().zip(targets(wanted, now.line)).enumerate() {
        let (s, level) = (&wanted.spectrum, target.level);
        let rank = i as u32;
        derive(now.cache, &target, now.line, s, level, 3);
        if target.wave_level < level {
            derive_wave(now.cache, &target, now.line);
            let found = pieces(&target, target.wave_level, TILE_COLUMNS, now.line);
            for (place, columns) in found {
                let held = now.cache.wave(target.layer.channel, place);
                if held.is_none_or(|t| t.worst(columns.clone()) < Quality::Exact) {
                    let kind = Kind::Wave(target.layer.channel);
                    let piece = Piece { kind, place, columns };
                    add(&mut plan, &mut seen, now, piece, s, &target, 2 * rank);
                }
            }
        }
        let size = now.speed.piece_columns(false, s, level);
        let exact: Vec<_> = pieces(&target, level, size, now.line).collect();
        let missing = |now: &Situation<'_>, place: Place, columns: &Range<usize>| {
            now.cache
                .power(&target.layer, place)
                .map_or(Quality::Missing, |t| t.worst(columns.clone()))
        };
        let left: usize = exact
            .iter()
            .filter(|(place, columns)| missing(now, *place, columns) == Quality::Missing)
            .map(|(_, columns)| columns.len())
            .sum();
        let left_ms = left as f64 * now.speed.exact_ms(s, level) / now.workers as f64;
        let affordable = (now.affordable)(target.positions.clone());
        let pooled = 1u64 << level > u64::from(s.hop_samples) * SAMPLED_FRAMES as u64;
        let sampled_first = pooled && left > 0 && (left_ms > PATIENCE_MS || !affordable);
        if sampled_first {
            let sampled_ms = left as f64 * now.speed.sampled_ms / now.workers as f64;
            let coarsely = sampled_ms > PATIENCE_MS;
            // Sampling every column is worth it only where the true ones take much longer.
            let finely = !coarsely || !affordable || left_ms > 4.0 * sampled_ms;
            let levels = [(coarsely, level + COARSE_FIRST), (finely, level)];
            let levels = levels.into_iter().enumerate().filter(|(_, (wanted, _))| *wanted);
            for (pass, (_, level)) in levels {
                let size = now.speed.piece_columns(true, s, level);
                for (place, columns) in pieces(&target, level, size, now.line) {
                    if missing(now, place, &columns) == Quality::Missing {
                        let kind = Kind::Sampled(target.layer);
                        let piece = Piece { kind, place, columns };
                        add(&mut plan, &mut seen, now, piece, s, &target, 2 * rank + pass as u32);
                    }
                }
            }
        }
        for (place, columns) in exact {
            let stays_sampled = pooled && !affordable;
            let (layer, shown) = (target.layer, columns.clone());
            plan.pieces.push(Shown { layer, place, columns: shown, stays_sampled, picture: i });
            now.cache.touch(&target.layer, place);
            if missing(now, place, &columns) < Quality::Exact && !stays_sampled {
                let kind = Kind::Exact(target.layer);
                let piece = Piece { kind, place, columns };
                let pass = if sampled_first { REFINING_PASS + rank } else { 2 * rank };
                add(&mut plan, &mut seen, now, piece, s, &target, pass);
            }
        }
    }
    plan.queue.sort_by(|a, b| a.order.cmp(&b.order));
    plan
}

fn add(
    plan: &mut Plan,
    seen: &mut HashSet<Piece>,
    now: &Situation<'_>,
    piece: Piece,
    spectrum: &SpectrumSettings,
    target: &Target,
    pass: u32,
) {
    if now.taken.contains(&piece) || !seen.insert(piece.clone()) {
        return;
    }
    let positions = piece.place.positions(piece.columns.clone());
    let middle = |r: &Range<i64>| r.start + (r.end - r.start) / 2;
    let run = run_of(&piece.kind, &positions);
    let distance = (middle(&run) - middle(&target.positions)).abs();
    let order = Sooner::new(pass, distance, run.start, positions.start);
    plan.queue.push(Planned { piece, spectrum: *spectrum, order });
}

/// The positions that one worker should work through: reading a file on costs half of reading here
/// and there. Short pieces are alone, so that the middle of the picture comes first.
fn run_of(kind: &Kind, positions: &Range<i64>) -> Range<i64> {
    let samples = positions.end - positions.start;
    if !matches!(kind, Kind::Exact(_)) || samples < RUN_FROM_SAMPLES {
        return positions.clone();
    }
    let run = samples * RUN_PIECES;
    let start = positions.start.div_euclid(run) * run;
    start..start + run
}

/// Pieces of `size` columns in which something was recorded.
fn pieces(
    target: &Target,
    level: u32,
    size: usize,
    line: &Line,
) -> impl Iterator<Item = (Place, Range<usize>)> {
    target.tiles(level, line).flat_map(move |(place, columns)| {
        let first = columns.start / size;
        (first..columns.end.div_ceil(size)).filter_map(move |i| {
            let columns = i * size..(i + 1) * size;
            let recorded = line.parts(place.positions(columns.clone())).next().is_some();
            recorded.then_some((place, columns))
        })
    })
}

/// Makes coarse columns of finer ones that are at hand, as far as `depth` levels down.
fn derive(
    cache: &mut Cache,
    target: &Target,
    line: &Line,
    s: &SpectrumSettings,
    level: u32,
    depth: u32,
) {
    // Below that each column has a frame of its own, which overlaps its neighbour's.
    if depth == 0 || level == 0 || 1u64 << (level - 1) <= u64::from(s.hop_samples) {
        return;
    }
    derive(cache, target, line, s, level - 1, depth - 1);
    for (place, _) in target.tiles(level, line) {
        for second in [false, true] {
            let Some(half) = place.half(second) else { continue };
            let at = if second { TILE_COLUMNS / 2 } else { 0 };
            if let Some(finer) = cache.power(&target.layer, half).cloned() {
                let held = cache.power(&target.layer, place);
                let better = (0..TILE_COLUMNS / 2).any(|i| {
                    let have = held.map_or(Quality::Missing, |t| t.quality(at + i));
                    finer.worst(2 * i..2 * i + 2) > have
                });
                if better {
                    cache.change_power(target.layer, place, |t| t.put_halved(&finer, second));
                }
            }
            derive_wave_half(cache, target.layer.channel, place, second);
        }
    }
}

fn derive_wave(cache: &mut Cache, target: &Target, line: &Line) {
    for (place, _) in target.tiles(target.wave_level, line) {
        for second in [false, true] {
            derive_wave_half(cache, target.layer.channel, place, second);
        }
    }
}

fn derive_wave_half(cache: &mut Cache, channel: u32, place: Place, second: bool) {
    let Some(finer) = place.half(second).and_then(|h| cache.wave(channel, h)).cloned() else {
        return;
    };
    let at = if second { TILE_COLUMNS / 2 } else { 0 };
    let held = cache.wave(channel, place);
    let better = (0..TILE_COLUMNS / 2).any(|i| {
        let have = held.map_or(Quality::Missing, |t| t.quality[at + i]);
        finer.worst(2 * i..2 * i + 2) > have
    });
    if better {
        cache.change_wave(channel, place, |t| t.put_halved(&finer, second));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_signal::line::Run;

    const RATE_HZ: f64 = 192e3;

    fn line(runs: &[(i64, u64)]) -> Line {
        let runs = runs.iter().map(|&(position, frames)| Run {
            position,
            frames,
            recording: 0,
            first_frame: 0,
        });
        Line { sample_rate_hz: RATE_HZ, origin: None, runs: runs.collect() }
    }

    fn wanted(positions: Range<f64>, width_px: u32) -> Wanted {
        Wanted {
            positions,
            width_px,
            height_px: 650,
            band_hz: (0.0, RATE_HZ / 2.0),
            spectrum: SpectrumSettings::default(),
            channel: 0,
        }
    }

    struct Bench {
        line: Line,
        cache: Cache,
        speed: Speed,
        taken: HashSet<Piece>,
    }

    impl Bench {
        fn new(runs: &[(i64, u64)]) -> Bench {
            Bench {
                line: line(runs),
                cache: Cache::default(),
                speed: Speed::default(),
                taken: HashSet::new(),
            }
        }

        fn plan(&mut self, wanted: &[Wanted], affordable: bool) -> Plan {
            plan(
                wanted,
                &mut Situation {
                    line: &self.line,
                    cache: &mut self.cache,
                    speed: &mut self.speed,
                    workers: 2,
                    taken: &self.taken,
                    affordable: &|_| affordable,
                },
            )
        }

        /// Does a piece of power.
        fn fulfil(&mut self, piece: &Piece) {
            let (layer, quality) = match piece.kind {
                Kind::Sampled(layer) => (layer, Quality::Sampled),
                Kind::Exact(layer) => (layer, Quality::Exact),
                Kind::Wave(_) => return,
            };
            let count = piece.columns.len();
            let power = vec![1.0; count * layer.strip.rows];
            self.cache.change_power(layer, piece.place, |t| {
                t.put(piece.columns.start, &power, &[], &vec![1; count], quality);
            });
        }
    }

    fn kinds(plan: &Plan) -> Vec<(bool, u32)> {
        let mut kinds: Vec<(bool, u32)> = plan
            .queue
            .iter()
            .map(|p| (matches!(p.piece.kind, Kind::Sampled(_)), p.piece.place.level))
            .collect();
        kinds.dedup();
        kinds
    }

    #[test]
    fn a_long_recording_is_seen_coarsely_at_once_then_sampled_then_exactly() {
        let mut bench = Bench::new(&[(0, 500_000_000)]);
        let view = [wanted(0.0..500e6, 1100)];
        assert_eq!(kinds(&bench.plan(&view, true)), [(true, 20), (false, 18)], "a fast machine");
        let mut bench = Bench::new(&[(0, 500_000_000)]);
        bench.speed.point_ns *= 4.0;
        let first = bench.plan(&view, true);
        assert_eq!(kinds(&first), [(true, 20), (true, 18), (false, 18)]);
        let columns: usize = first
            .queue
            .iter()
            .filter(|p| matches!(p.piece.kind, Kind::Exact(_)))
            .map(|p| p.piece.columns.len())
            .sum();
        assert!((1907..2200).contains(&columns), "every column once: {columns}");
        for planned in &first.queue {
            bench.fulfil(&planned.piece);
        }
        assert!(bench.plan(&view, true).queue.is_empty(), "nothing is computed twice");
    }

    #[test]
    fn what_takes_too_much_of_the_net_stays_sampled() {
        let mut bench = Bench::new(&[(0, 500_000_000)]);
        let plan = bench.plan(&[wanted(0.0..500e6, 1100)], false);
        assert!(plan.queue.iter().all(|p| matches!(p.piece.kind, Kind::Sampled(_))));
        assert!(!plan.pieces.is_empty());
    }

    #[test]
    fn the_overview_of_a_whole_view_computes_nothing_of_its_own() {
        let mut bench = Bench::new(&[(0, 500_000_000)]);
        let alone = bench.plan(&[wanted(0.0..500e6, 1100)], true).queue.len();
        let both = bench.plan(&[wanted(0.0..500e6, 1100), wanted(0.0..500e6, 1300)], true);
        assert_eq!(both.queue.len(), alone);
    }

    #[test]
    fn nothing_is_computed_in_a_gap() {
        let hour = 3600 * 192_000;
        let mut bench = Bench::new(&[(0, 1_000_000), (hour, 1_000_000)]);
        let plan = bench.plan(&[wanted(0.0..hour as f64 + 1e6, 1100)], true);
        let exact = plan.queue.iter().filter(|p| matches!(p.piece.kind, Kind::Exact(_)));
        for planned in exact {
            let range = planned.piece.place.positions(planned.piece.columns.clone());
            assert!(range.start < 1_000_000 || range.end > hour, "{range:?}");
        }
    }

    #[test]
    fn zooming_out_of_what_is_exact_computes_only_what_was_not_seen() {
        let mut bench = Bench::new(&[(0, 500_000_000)]);
        let near = bench.plan(&[wanted(100e6..150e6, 1100)], true);
        for planned in &near.queue {
            bench.fulfil(&planned.piece);
        }
        let far = bench.plan(&[wanted(75e6..175e6, 1100)], true);
        let seen = 100_000_000..150_000_000;
        for planned in far.queue.iter().filter(|p| matches!(p.piece.kind, Kind::Exact(_))) {
            let range = planned.piece.place.positions(planned.piece.columns.clone());
            assert!(
                range.start < seen.start || range.end > seen.end,
                "{range:?} could be made of what is at hand"
            );
        }
    }
}
