//! A product as a Zarr v3 store that xarray opens, with coordinates, units and attributes.
//!
//! Levels over time have every period from the first to the last, so that a picture shows gaps: there they
//! are NaN. Statistics have a row for each day with data, and the whole beside them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;
use spyhop_signal::levels::PERCENTILES;
use zarrs::array::ArrayBuilder;

use super::Product;
use super::distribution::{self, STEP_TENTHS};
use super::heading::{Heading, Levels, Variable};
use super::rows::Rows;
use super::run::Made;
use super::table::read;
use super::zarr_arrays::{
    band_coordinates, counts, flags, levels, numbers, stepped_levels, steps, times,
};
use crate::pyramid::{Nodes, Writer};

/// Levels of a chunk: 4 MB.
const CHUNK_LEVELS: u64 = 1 << 20;
/// Rows of a chunk of what has one number a row.
const MOST_CHUNK_ROWS: u64 = 1 << 16;

/// Writes a store: under another name until it is whole; one that is there is replaced.
///
/// # Errors
/// When the disk says no, or rows are gone.
pub fn write(out: &Path, made: &Made, heading: &Heading) -> anyhow::Result<()> {
    let unfinished = out.with_added_extension(format!("unfinished-{}", std::process::id()));
    let written = contents(&unfinished, made, heading).and_then(|()| {
        if out.is_dir() {
            let old = out.with_added_extension(format!("old-{}", std::process::id()));
            std::fs::rename(out, &old)?;
            std::fs::rename(&unfinished, out)?;
            return Ok(std::fs::remove_dir_all(old)?);
        }
        Ok(std::fs::rename(&unfinished, out)?)
    });
    if written.is_err() {
        // What is left of it is of no use; that it may not be there is no second error.
        let _ = std::fs::remove_dir_all(&unfinished);
    }
    written.with_context(|| format!("can't write {}", out.display()))
}

fn contents(root: &Path, made: &Made, heading: &Heading) -> anyhow::Result<()> {
    let writer = Writer { root: root.to_owned() };
    let mut store = Store { writer: &writer, nodes: Vec::new() };
    match made.plan.product {
        Product::Percentiles(_) => percentiles(&mut store, made, heading)?,
        Product::Probability(_) => probabilities(&mut store, made, heading)?,
        _ => over_time(&mut store, made, heading)?,
    }
    let nodes = store.nodes;
    writer.group(heading.attributes.clone(), &nodes)?;
    Ok(())
}

/// A store that is being written.
struct Store<'a> {
    writer: &'a Writer,
    nodes: Nodes,
}

impl Store<'_> {
    fn describe(&mut self, name: &str, array: &ArrayBuilder) -> anyhow::Result<()> {
        self.nodes.push(self.writer.array(name, array)?);
        Ok(())
    }

    /// The coordinates of bands.
    fn bands(&mut self, heading: &Heading) -> anyhow::Result<()> {
        for (name, array, values) in band_coordinates(heading.bands()) {
            self.describe(name, &array)?;
            self.writer.chunk(name, &array, &[0], values)?;
        }
        Ok(())
    }
}

/// A chunk of rows that is being filled.
struct Chunk {
    index: u64,
    levels_db: Vec<f32>,
    recorded_s: Vec<f64>,
    short: Vec<u8>,
}

/// Arrays of levels over time.
struct OverTime<'a> {
    writer: &'a Writer,
    variables: Vec<(&'static str, ArrayBuilder)>,
    recorded: ArrayBuilder,
    short: ArrayBuilder,
    columns: usize,
    chunk_rows: usize,
    is_stepped: bool,
    /// Whether the columns are bands of one variable, and not variables of their own.
    is_banded: bool,
}

fn over_time(store: &mut Store<'_>, made: &Made, heading: &Heading) -> anyhow::Result<()> {
    let period_ns = heading.period_ns.max(1);
    let (first_ns, last_ns) = ends(&made.files)?.context("no period has data")?;
    let first = first_ns.div_euclid(period_ns);
    let length = (last_ns.div_euclid(period_ns) - first + 1).unsigned_abs();
    let columns = made.plan.columns();
    let chunk_rows = (CHUNK_LEVELS / columns.max(1) as u64).clamp(1, MOST_CHUNK_ROWS).min(length);
    let is_stepped = matches!(made.plan.product, Product::Ltsa { .. });
    let (variables, dimensions): (Vec<&Variable>, &[&str]) = match &heading.levels {
        Levels::Bands(variable, _) => (vec![variable], &["time", "frequency"]),
        Levels::Series(variables) => (variables.iter().collect(), &["time"]),
    };
    let array = |variable: &&Variable| {
        let (mut shape, mut chunk) = (vec![length], vec![chunk_rows]);
        if dimensions.len() > 1 {
            shape.push(columns as u64);
            chunk.push(columns as u64);
        }
        let make = if is_stepped { stepped_levels } else { levels };
        (variable.name, make(shape, chunk, dimensions, variable))
    };
    let recorded_says = json!({ "long_name": "how much of the period was recorded", "units": "s" });
    let short_says = json!({
        "long_name": "less than half of the period was recorded",
        "flag_values": [0, 1],
        "flag_meanings": "no yes",
    });
    let arrays = OverTime {
        writer: store.writer,
        variables: variables.iter().map(array).collect(),
        recorded: numbers(length, chunk_rows, "time", recorded_says),
        short: flags(length, chunk_rows, "time", short_says),
        columns,
        chunk_rows: usize::try_from(chunk_rows).unwrap_or(1),
        is_stepped,
        is_banded: dimensions.len() > 1,
    };
    for (name, array) in &arrays.variables {
        store.describe(name, array)?;
    }
    store.describe("recorded_s", &arrays.recorded)?;
    store.describe("short", &arrays.short)?;
    let time = times(length, chunk_rows, "time", heading.dated, "beginning of the period");
    store.describe("time", &time)?;
    for chunk in 0..length.div_ceil(chunk_rows) {
        let from = first + (chunk * chunk_rows) as i64;
        let starts =
            (from..from + chunk_rows as i64).map(|period| period.saturating_mul(period_ns));
        store.writer.chunk("time", &time, &[chunk], starts.collect::<Vec<i64>>())?;
    }
    if !heading.bands().is_empty() {
        store.bands(heading)?;
    }
    let mut chunk = arrays.empty(0);
    let mut is_empty = true;
    for file in &made.files {
        let rows = read(file)?;
        for row in 0..rows.len() {
            let at = (rows.start_ns[row].div_euclid(period_ns) - first).unsigned_abs();
            if at / chunk_rows != chunk.index {
                if !is_empty {
                    arrays.write(&chunk)?;
                }
                chunk = arrays.empty(at / chunk_rows);
            }
            is_empty = false;
            let place = usize::try_from(at % chunk_rows).unwrap_or(0);
            chunk.levels_db[place * columns..(place + 1) * columns].copy_from_slice(rows.row(row));
            chunk.recorded_s[place] = f64::from(rows.recorded_s[row]);
            chunk.short[place] = u8::from(rows.short[row]);
        }
    }
    arrays.write(&chunk)
}

impl OverTime<'_> {
    fn empty(&self, index: u64) -> Chunk {
        Chunk {
            index,
            levels_db: vec![f32::NAN; self.chunk_rows * self.columns],
            recorded_s: vec![0.0; self.chunk_rows],
            short: vec![0; self.chunk_rows],
        }
    }

    fn write(&self, chunk: &Chunk) -> anyhow::Result<()> {
        for (index, (name, array)) in self.variables.iter().enumerate() {
            let (place, values): (Vec<u64>, Vec<f32>) = if self.is_banded {
                (vec![chunk.index, 0], chunk.levels_db.clone())
            } else {
                let of_it = chunk.levels_db.iter().skip(index).step_by(self.columns);
                (vec![chunk.index], of_it.copied().collect())
            };
            if self.is_stepped {
                self.writer.chunk(name, array, &place, steps(&values))?;
            } else {
                self.writer.chunk(name, array, &place, values)?;
            }
        }
        let at = [chunk.index];
        self.writer.chunk("recorded_s", &self.recorded, &at, chunk.recorded_s.clone())?;
        self.writer.chunk("short", &self.short, &at, chunk.short.clone())?;
        Ok(())
    }
}

/// Where the first and the last row begin.
fn ends(files: &[PathBuf]) -> anyhow::Result<Option<(i64, i64)>> {
    let row = |file: &Path, of: fn(&Rows) -> Option<&i64>| read(file).map(|r| of(&r).copied());
    let mut first = None;
    for file in files {
        first = row(file, |rows| rows.start_ns.first())?;
        if first.is_some() {
            break;
        }
    }
    let mut last = None;
    for file in files.iter().rev() {
        last = row(file, |rows| rows.start_ns.last())?;
        if last.is_some() {
            break;
        }
    }
    Ok(first.zip(last))
}

fn percentiles(store: &mut Store<'_>, made: &Made, heading: &Heading) -> anyhow::Result<()> {
    let Levels::Bands(variable, bands) = &heading.levels else { return Ok(()) };
    let whole = distribution::whole(&made.files, bands.len())?;
    let (count, days) = (PERCENTILES.len() as u64, whole.days as u64);
    let width = bands.len() as u64;
    let dimensions = ["day", "percentile", "frequency"];
    let of_days = levels(vec![days, count, width], vec![1, count, width], &dimensions, variable);
    let of_whole = levels(vec![count, width], vec![count, width], &dimensions[1..], variable);
    store.describe("psd", &of_days)?;
    store.describe("psd_whole", &of_whole)?;
    let says = json!({
        "long_name": "share of minutes whose level is not above", "units": "%",
    });
    let percentile = numbers(count, count, "percentile", says);
    store.describe("percentile", &percentile)?;
    store.writer.chunk("percentile", &percentile, &[0], PERCENTILES.to_vec())?;
    store.bands(heading)?;
    let by_percentile = |of_bands: &[f64]| -> Vec<f32> {
        let one = |p: usize| of_bands.iter().skip(p).step_by(PERCENTILES.len());
        (0..PERCENTILES.len()).flat_map(|p| one(p).map(|level| *level as f32)).collect()
    };
    let levels_db = whole.counted.percentiles(&PERCENTILES);
    store.writer.chunk("psd_whole", &of_whole, &[0, 0], by_percentile(&levels_db))?;
    of_each_day(store, made, heading, whole.days, &mut |store, day, rows| {
        let levels_db = by_percentile(&distribution::day_percentiles(rows));
        Ok(store.writer.chunk("psd", &of_days, &[day, 0, 0], levels_db)?)
    })
}

fn probabilities(store: &mut Store<'_>, made: &Made, heading: &Heading) -> anyhow::Result<()> {
    let Levels::Bands(variable, bands) = &heading.levels else { return Ok(()) };
    let whole = distribution::whole(&made.files, bands.len())?;
    let density = whole.counted.probability_density(STEP_TENTHS);
    let width = bands.len() as u64;
    let count = density.edges_db.len().saturating_sub(1) as u64;
    let spd = Variable {
        name: "spd",
        long_name: "spectral probability density of the level",
        unit: "1/dB",
    };
    let dimensions = ["day", "frequency", "level"];
    let days = whole.days as u64;
    let of_days = levels(vec![days, width, count], vec![1, width, count], &dimensions, &spd);
    let of_whole = levels(vec![width, count], vec![width, count], &dimensions[1..], &spd);
    store.describe("spd", &of_days)?;
    store.describe("spd_whole", &of_whole)?;
    let says = json!({
        "long_name": format!("{}, middle of the step", variable.long_name),
        "units": variable.unit,
    });
    let level = numbers(count, count, "level", says);
    let middles: Vec<f64> = density.edges_db.windows(2).map(|e| 0.5 * (e[0] + e[1])).collect();
    store.describe("level", &level)?;
    store.writer.chunk("level", &level, &[0], middles)?;
    store.bands(heading)?;
    store.writer.chunk("spd_whole", &of_whole, &[0, 0], density.density.clone())?;
    of_each_day(store, made, heading, whole.days, &mut |store, day, rows| {
        let of_day = distribution::day_density(rows, &density);
        Ok(store.writer.chunk("spd", &of_days, &[day, 0, 0], of_day)?)
    })
}

/// Writes what is told of each day, and which days there are.
fn of_each_day(
    store: &mut Store<'_>,
    made: &Made,
    heading: &Heading,
    days: usize,
    write: &mut dyn FnMut(&Store<'_>, u64, &Rows) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut spans = Vec::with_capacity(days);
    for file in &made.files {
        let rows = read(file)?;
        let Some(span) = distribution::span_of(&rows) else { continue };
        write(store, spans.len() as u64, &rows)?;
        spans.push(span);
    }
    let length = days as u64;
    let day = times(length, length, "day", heading.dated, "beginning of the day");
    store.describe("day", &day)?;
    let starts: Vec<i64> = spans.iter().map(|span| span.start_ns).collect();
    store.writer.chunk("day", &day, &[0], starts)?;
    let says = json!({ "long_name": "minutes that are counted", "units": "1" });
    let minutes = counts(length, length, "day", says);
    store.describe("minutes", &minutes)?;
    let values: Vec<u32> = spans.iter().map(|span| span.minutes).collect();
    store.writer.chunk("minutes", &minutes, &[0], values)?;
    Ok(())
}
