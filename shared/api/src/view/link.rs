//! The URL form of a [`View`].
//!
//! | key | value | example |
//! |---|---|---|
//! | `v` | version of this form | `1` |
//! | `src` | what is open; may stand several times | `set:gulf-night`, `set:gulf-night/71621DC7.190`, `url:https://…`, `file:<fingerprint>:<name>` |
//! | `ears` `zone` `names` `began` | how clocks of files are read: EARS convention, seconds east of UTC, pattern of file names, start | `readEARS`, `-18000`, `%Y%m%d_%H%M%S`, `2009-03-29T12:15:00Z` |
//! | `t` | left edge: clock time, or seconds since the first sample | `2009-03-29T12:15:03.412Z`, `12.5s` |
//! | `span` | width in seconds | `0.25` |
//! | `f` | band in hertz | `1000-24000` |
//! | `axis` | frequency axis | `log` |
//! | `ch` | channel, from 0 | `1` |
//! | `fft` | size, window length, hop, scaling, window | `1024.1024.512.density.hann` |
//! | `db` | floor and ceiling | `-20..60` |
//! | `cm` | colour map | `viridis` |
//! | `sel` | selection: time, width in seconds, band | `12.5s_0.25_1000-8000` |
//! | `rate` `lens` `band` `gain` `loop` | listening | `0.1`, `het40000`, `20000-90000`, `12`, `1` |
//! | `clock` | time axis | `local` |
//! | `flat` | seconds of flattening | `60` |
//! | `peak` | what of a pixel's power is drawn: `mean`, `both`, `max` (`0` was `mean`, `1` `both`) | `max` |
//! | `gaps` | gaps folded away | `collapsed` |
//! | `calls` | the run whose candidates are shown; thresholds by class if a person moved one | `12`, `12:0.5,-3` |
//!
//! A key that is not there has its default; a key of a later version is passed over.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::*;
use crate::time::{NANOS_PER_S, Timestamp};

/// Characters that stand for themselves in a query, so that links stay readable.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b',');

/// The keys of this form, in the order of the table above.
pub const KEYS: &[&str] = &[
    "v", "src", "ears", "zone", "names", "began", "t", "span", "f", "axis", "ch", "fft", "db",
    "cm", "sel", "rate", "lens", "band", "gain", "loop", "clock", "flat", "peak", "gaps", "calls",
];

/// What is wrong with a link. The rest of the link still counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the link's {key}={value} was passed over: it should look like {example}")]
pub struct LinkError {
    /// The key.
    pub key: String,
    /// What stood there.
    pub value: String,
    /// What it should look like.
    pub example: &'static str,
}

impl View {
    /// The query, without a leading `?`. Defaults are left out.
    pub fn to_query(&self) -> String {
        let default = View::default();
        let mut pairs: Vec<(&str, String)> = vec![("v", LINK_VERSION.to_string())];
        for source in source_texts(&self.source) {
            pairs.push(("src", source));
        }
        let r = &self.reading;
        if !r.ears_convention.is_empty() {
            pairs.push(("ears", r.ears_convention.clone()));
        }
        if let Some(offset) = r.zone_offset_s {
            pairs.push(("zone", offset.to_string()));
        }
        if let Some(pattern) = &r.name_pattern {
            pairs.push(("names", pattern.clone()));
        }
        if let Some(start) = r.start {
            pairs.push(("began", start.to_iso()));
        }
        if let Some(start) = self.start {
            pairs.push(("t", moment_text(start)));
        }
        if let Some(span) = self.span_ns {
            pairs.push(("span", seconds_text(span)));
        }
        if let Some(band) = self.band_hz {
            pairs.push(("f", band_text(band)));
        }
        if self.frequency_axis != default.frequency_axis {
            pairs.push(("axis", name_of(AXES, &self.frequency_axis).into()));
        }
        if self.channel != 0 {
            pairs.push(("ch", self.channel.to_string()));
        }
        if self.spectrum != default.spectrum {
            let s = &self.spectrum;
            pairs.push((
                "fft",
                format!(
                    "{}.{}.{}.{}.{}",
                    s.fft_size,
                    s.window_samples,
                    s.hop_samples,
                    scaling_name(s.scaling),
                    window_name(s.window),
                ),
            ));
        }
        if let Some((floor, ceiling)) = self.colour.range_db {
            pairs.push(("db", format!("{}..{}", number(floor), number(ceiling))));
        }
        if self.colour.map != default.colour.map {
            pairs.push(("cm", name_of(MAPS, &self.colour.map).into()));
        }
        if let Some(s) = self.selection {
            pairs.push((
                "sel",
                format!(
                    "{}_{}_{}",
                    moment_text(s.start),
                    seconds_text(s.span_ns),
                    band_text(s.band_hz)
                ),
            ));
        }
        let l = &self.listening;
        if l.rate != 1.0 {
            pairs.push(("rate", number(l.rate)));
        }
        match l.lens {
            Lens::AsIs => {}
            Lens::Heterodyne(hz) => pairs.push(("lens", format!("het{}", number(hz)))),
            Lens::Envelope => pairs.push(("lens", "envelope".into())),
        }
        if let Some(band) = l.band_hz {
            pairs.push(("band", band_text(band)));
        }
        if l.gain_db != 0.0 {
            pairs.push(("gain", number(l.gain_db)));
        }
        if l.looped {
            pairs.push(("loop", "1".into()));
        }
        if self.clock != default.clock {
            pairs.push(("clock", name_of(CLOCKS, &self.clock).into()));
        }
        if let Some(s) = self.flatten_s {
            pairs.push(("flat", number(s)));
        }
        if self.statistic != default.statistic {
            pairs.push(("peak", name_of(STATISTICS, &self.statistic).into()));
        }
        if self.gaps_collapsed {
            pairs.push(("gaps", "collapsed".into()));
        }
        // What was found in a browser is in no other.
        if let Some(shown) = self.calls.as_ref().filter(|shown| shown.run > 0) {
            let thresholds: Vec<String> = shown.thresholds.iter().map(|t| number(*t)).collect();
            let colon = if thresholds.is_empty() { "" } else { ":" };
            pairs.push(("calls", format!("{}{colon}{}", shown.run, thresholds.join(","))));
        }
        pairs
            .iter()
            .map(|(k, v)| format!("{k}={}", utf8_percent_encode(v, QUERY)))
            .collect::<Vec<_>>()
            .join("&")
    }

    /// Reads a query (with or without `?`). What can't be read keeps its default and is reported.
    pub fn from_query(query: &str) -> (View, Vec<LinkError>) {
        let mut view = View::default();
        let mut errors = Vec::new();
        let mut sources = Vec::new();
        for pair in query.trim_start_matches('?').split('&').filter(|p| !p.is_empty()) {
            let (key, raw) = pair.split_once('=').unwrap_or((pair, ""));
            let value =
                percent_decode_str(&raw.replace('+', "%20")).decode_utf8_lossy().into_owned();
            if key == "src" {
                sources.push(value);
            } else if let Err(example) = view.set(key, &value) {
                errors.push(LinkError { key: key.into(), value, example });
            }
        }
        for value in sources {
            if !add_source(&mut view.source, &value) {
                errors.push(LinkError { key: "src".into(), value, example: "src=set:gulf-night" });
            }
        }
        (view, errors)
    }

    /// Sets one key; the error is an example of what it should look like.
    fn set(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        match key {
            "ears" => self.reading.ears_convention = value.to_owned(),
            "zone" => {
                let offset = value.parse().ok().filter(|s: &i32| s.abs() <= 86_400);
                self.reading.zone_offset_s = Some(offset.ok_or("zone=-18000")?);
            }
            "names" => self.reading.name_pattern = Some(value.to_owned()),
            "began" => {
                let start = Timestamp::from_iso(value).map_err(|_| "began=2009-03-29T12:15:00Z")?;
                self.reading.start = Some(start);
            }
            "t" => self.start = Some(moment(value).ok_or("t=12.5s or t=2009-03-29T12:15:03Z")?),
            "span" => self.span_ns = Some(seconds(value).filter(|s| *s > 0).ok_or("span=0.25")?),
            "f" => self.band_hz = Some(band(value).ok_or("f=1000-24000")?),
            "axis" => self.frequency_axis = by_name(AXES, value).ok_or("axis=log")?,
            "ch" => self.channel = value.parse().map_err(|_| "ch=0")?,
            "fft" => self.spectrum = spectrum(value).ok_or("fft=1024.1024.512.density.hann")?,
            "db" => {
                let (a, b) = value.split_once("..").ok_or("db=-20..60")?;
                let (a, b) = (finite(a).ok_or("db=-20..60")?, finite(b).ok_or("db=-20..60")?);
                let range = Some((a.min(b), a.max(b))).filter(|(low, high)| low < high);
                self.colour.range_db = Some(range.ok_or("db=-20..60")?);
            }
            "cm" => self.colour.map = by_name(MAPS, value).ok_or("cm=viridis")?,
            "sel" => self.selection = Some(selection(value).ok_or("sel=12.5s_0.25_1000-8000")?),
            "rate" => {
                self.listening.rate =
                    finite(value).filter(|r| (0.01..=1800.0).contains(r)).ok_or("rate=0.1")?;
            }
            "lens" => self.listening.lens = lens(value).ok_or("lens=het40000 or lens=envelope")?,
            "band" => self.listening.band_hz = Some(band(value).ok_or("band=20000-90000")?),
            "gain" => {
                let gain = finite(value).filter(|g| g.abs() <= 120.0).ok_or("gain=12")?;
                self.listening.gain_db = gain;
            }
            "loop" => self.listening.looped = value == "1",
            "clock" => self.clock = by_name(CLOCKS, value).ok_or("clock=local")?,
            "flat" => self.flatten_s = Some(finite(value).filter(|s| *s > 0.0).ok_or("flat=60")?),
            "peak" => {
                self.statistic = match value {
                    "0" => Statistic::Mean,
                    "1" => Statistic::Both,
                    name => by_name(STATISTICS, name).ok_or("peak=max")?,
                };
            }
            "gaps" => {
                let known = matches!(value, "collapsed" | "shown");
                self.gaps_collapsed =
                    known.then_some(value == "collapsed").ok_or("gaps=collapsed")?;
            }
            "calls" => self.calls = Some(shown_calls(value).ok_or("calls=12 or calls=12:0.5")?),
            _ => {}
        }
        Ok(())
    }
}

const AXES: &[(&str, FrequencyAxis)] =
    &[("linear", FrequencyAxis::Linear), ("log", FrequencyAxis::Log), ("mel", FrequencyAxis::Mel)];
const MAPS: &[(&str, ColourMap)] = &[
    ("viridis", ColourMap::Viridis),
    ("cividis", ColourMap::Cividis),
    ("magma", ColourMap::Magma),
    ("inferno", ColourMap::Inferno),
    ("grey", ColourMap::Grey),
    ("greyinv", ColourMap::GreyInverted),
];
const CLOCKS: &[(&str, Clock)] = &[
    ("elapsed", Clock::Elapsed),
    ("utc", Clock::Utc),
    ("recorder", Clock::Recorder),
    ("local", Clock::Local),
];
const STATISTICS: &[(&str, Statistic)] =
    &[("mean", Statistic::Mean), ("both", Statistic::Both), ("max", Statistic::Max)];
const WINDOWS: &[(&str, Window)] = &[
    ("hann", Window::Hann),
    ("hann-sym", Window::HannSymmetric),
    ("hamming", Window::Hamming),
    ("blackman", Window::Blackman),
    ("blackmanharris", Window::BlackmanHarris),
    ("boxcar", Window::Rectangular),
];

fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, v)| v == value).map_or("", |(n, _)| n)
}

fn by_name<T: Copy>(table: &[(&'static str, T)], name: &str) -> Option<T> {
    table.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
}

macro_rules! named {
    ($type:ty, $table:ident, $what:literal) => {
        impl $type {
            #[doc = concat!("The name that ", $what, " has in links and on the command line.")]
            pub fn name(&self) -> &'static str {
                name_of($table, self)
            }
            #[doc = concat!("All ", $what, "s with their names.")]
            pub fn all() -> &'static [(&'static str, $type)] {
                $table
            }
        }
    };
}
named!(FrequencyAxis, AXES, "axis");
named!(ColourMap, MAPS, "colour map");
named!(Clock, CLOCKS, "clock");
named!(Statistic, STATISTICS, "statistic");

impl Window {
    /// All windows without a parameter, with their names.
    pub fn all() -> &'static [(&'static str, Window)] {
        WINDOWS
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&window_name(*self))
    }
}

impl std::str::FromStr for Window {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let kaiser = || {
            let beta = s.strip_prefix("kaiser").and_then(finite)?;
            (0.0..=100.0).contains(&beta).then_some(Window::Kaiser(beta))
        };
        by_name(WINDOWS, s).or_else(kaiser).ok_or_else(|| {
            let names: Vec<_> = WINDOWS.iter().map(|(n, _)| *n).collect();
            format!("unknown window '{s}': one of {}, kaiserBETA", names.join(", "))
        })
    }
}

fn window_name(w: Window) -> String {
    match w {
        Window::Kaiser(beta) => format!("kaiser{}", number(beta)),
        w => name_of(WINDOWS, &w).into(),
    }
}

fn scaling_name(s: Scaling) -> &'static str {
    match s {
        Scaling::Density => "density",
        Scaling::Spectrum => "spectrum",
    }
}

/// `size.window.hop.scaling.window`; the window comes last because a Kaiser β may hold a point.
fn spectrum(text: &str) -> Option<SpectrumSettings> {
    let mut parts = text.splitn(5, '.');
    let fft_size: u32 = parts.next()?.parse().ok()?;
    let window_samples = parts.next()?.parse().ok()?;
    let hop_samples = parts.next()?.parse().ok()?;
    let scaling = match parts.next()? {
        "density" => Scaling::Density,
        "spectrum" => Scaling::Spectrum,
        _ => return None,
    };
    let window = parts.next()?.parse().ok()?;
    let sane = fft_size.is_power_of_two()
        && (64..=65_536).contains(&fft_size)
        && (2..=fft_size).contains(&window_samples)
        && (1..=fft_size * 4).contains(&hop_samples);
    sane.then_some(SpectrumSettings { fft_size, window_samples, hop_samples, window, scaling })
}

fn shown_calls(text: &str) -> Option<ShownCalls> {
    let (run, thresholds) = text.split_once(':').unwrap_or((text, ""));
    let run = run.parse().ok().filter(|run| *run > 0)?;
    let thresholds = thresholds.split(',').filter(|t| !t.is_empty()).map(finite);
    Some(ShownCalls { run, thresholds: thresholds.collect::<Option<_>>()? })
}

fn source_texts(source: &Source) -> Vec<String> {
    match source {
        Source::None => vec![],
        Source::Deployment { id, recording: None } => vec![format!("set:{id}")],
        Source::Deployment { id, recording: Some(name) } => vec![format!("set:{id}/{name}")],
        Source::Urls(urls) => urls.iter().map(|u| format!("url:{u}")).collect(),
        Source::Local(files) => {
            files.iter().map(|f| format!("file:{}:{}", f.fingerprint, f.name)).collect()
        }
    }
}

fn add_source(source: &mut Source, text: &str) -> bool {
    match (text.split_once(':'), source) {
        (Some(("set", rest)), source @ Source::None) if !rest.is_empty() => {
            let (id, recording) = match rest.split_once('/') {
                Some((id, name)) => (id, Some(name.to_owned())),
                None => (rest, None),
            };
            *source = Source::Deployment { id: id.to_owned(), recording };
        }
        (Some(("url", url)), Source::Urls(urls)) => urls.push(url.to_owned()),
        (Some(("url", url)), source @ Source::None) => *source = Source::Urls(vec![url.to_owned()]),
        (Some(("file", rest)), source @ (Source::None | Source::Local(_))) => {
            let Some((fingerprint, name)) = rest.split_once(':') else { return false };
            let file = LocalFile { name: name.to_owned(), fingerprint: fingerprint.to_owned() };
            match source {
                Source::Local(files) => files.push(file),
                other => *other = Source::Local(vec![file]),
            }
        }
        _ => return false,
    }
    true
}

fn moment_text(m: Moment) -> String {
    match m {
        Moment::Clock(t) => {
            let iso = t.to_iso();
            let short = iso.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
            format!("{short}Z")
        }
        Moment::Elapsed(ns) => format!("{}s", seconds_text(ns)),
    }
}

fn moment(text: &str) -> Option<Moment> {
    match text.strip_suffix('s') {
        Some(s) => seconds(s).map(Moment::Elapsed),
        None => Timestamp::from_iso(text).ok().map(Moment::Clock),
    }
}

fn selection(text: &str) -> Option<Selection> {
    let mut parts = text.split('_');
    let start = moment(parts.next()?)?;
    let span_ns = seconds(parts.next()?).filter(|s| *s > 0)?;
    let band_hz = band(parts.next()?)?;
    Some(Selection { start, span_ns, band_hz })
}

fn lens(text: &str) -> Option<Lens> {
    match text {
        "asis" => Some(Lens::AsIs),
        "envelope" => Some(Lens::Envelope),
        _ => finite(text.strip_prefix("het")?).filter(|hz| *hz >= 0.0).map(Lens::Heterodyne),
    }
}

fn band_text((low, high): (f64, f64)) -> String {
    format!("{}-{}", number(low), number(high))
}

fn band(text: &str) -> Option<(f64, f64)> {
    let (low, high) = text.split_once('-')?;
    let (low, high) = (finite(low)?, finite(high)?);
    (low >= 0.0 && high > low).then_some((low, high))
}

/// Nanoseconds as seconds with as many decimals as it takes, exactly.
fn seconds_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let (whole, rest) =
        (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let decimals = format!("{rest:09}");
    format!("{sign}{whole}.{}", decimals.trim_end_matches('0'))
}

/// The inverse of [`seconds_text`]; more than nine decimals are cut.
fn seconds(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && decimals.is_empty() || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok().filter(|w| *w >= 0)? };
    let nanos: i64 = format!("{:0<9.9}", decimals).parse().ok()?;
    let total = whole.checked_mul(NANOS_PER_S)?.checked_add(nanos)?;
    Some(if negative { -total } else { total })
}

fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|v| v.is_finite())
}

/// The shortest decimal that reads back as the same number.
fn number(v: f64) -> String {
    format!("{v}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments() -> impl Strategy<Value = Moment> {
        prop_oneof![
            any::<i64>().prop_map(|ns| Moment::Clock(Timestamp(ns))),
            (-1i64 << 60..1 << 60).prop_map(Moment::Elapsed),
        ]
    }

    fn bands() -> impl Strategy<Value = (f64, f64)> {
        (0.0..1e5, 0.001..1e5).prop_map(|(low, width)| (low, low + width))
    }

    prop_compose! {
        fn readings()(
            ears_convention in prop_oneof!["", "readEARS", "legacy"],
            name_pattern in proptest::option::of("[^\u{0}]{1,20}"),
            zone_offset_s in proptest::option::of(-50_400..50_400i32),
            start in proptest::option::of(any::<i64>().prop_map(Timestamp)),
        ) -> Reading {
            Reading { ears_convention, name_pattern, zone_offset_s, start }
        }
    }

    prop_compose! {
        fn views()(
            start in proptest::option::of(moments()),
            span_ns in proptest::option::of(1i64..i64::MAX / 2),
            band_hz in proptest::option::of(bands()),
            axis in 0usize..3, channel in 0u32..16, map in 0usize..6, clock in 0usize..4,
            log2 in 6u32..=16, beta in 0.0..20.0f64, kaiser: bool, density: bool,
            range_db in proptest::option::of((-200.0..0.0f64, 0.0..200.0f64)),
            selection in proptest::option::of((moments(), 1i64..1 << 60, bands())),
            rate in 0.01..1800.0f64, het in proptest::option::of(0.0..1e5f64), looped: bool,
            flatten_s in proptest::option::of(0.1..1e4f64), statistic in 0usize..3, gaps_collapsed: bool,
            run in proptest::option::of(1..i64::MAX), thresholds in proptest::collection::vec(-1e3..1e3f64, 0..4), name in "[^\u{0}]{0,20}",
            reading in readings(),
        ) -> View {
            View {
                source: Source::Local(vec![LocalFile { name, fingerprint: "44-0011".into() }]),
                reading, start, span_ns, band_hz, channel, flatten_s, gaps_collapsed,
                calls: run.map(|run| ShownCalls { run, thresholds: thresholds.clone() }),
                statistic: STATISTICS[statistic].1,
                frequency_axis: AXES[axis].1,
                spectrum: SpectrumSettings {
                    fft_size: 1 << log2, window_samples: (1 << log2) - 1, hop_samples: 1 << (log2 - 1),
                    window: if kaiser { Window::Kaiser(beta) } else { Window::Blackman },
                    scaling: if density { Scaling::Density } else { Scaling::Spectrum },
                },
                colour: ColourSettings { map: MAPS[map].1, range_db },
                selection: selection.map(|(start, span_ns, band_hz)| Selection { start, span_ns, band_hz }),
                listening: Listening {
                    rate, lens: het.map_or(Lens::Envelope, Lens::Heterodyne), band_hz, gain_db: 3.5, looped,
                },
                clock: CLOCKS[clock].1,
            }
        }
    }

    proptest! {
        #[test]
        fn every_view_comes_back_from_its_link(view in views()) {
            let query = view.to_query();
            let keys = query.split('&').filter_map(|pair| pair.split_once('=')).map(|pair| pair.0);
            prop_assert!(keys.into_iter().all(|key| KEYS.contains(&key)), "{}", query);
            let (back, errors) = View::from_query(&query);
            prop_assert_eq!(errors, vec![]);
            prop_assert_eq!(back, view);
        }

        #[test]
        fn no_query_is_a_panic(query in ".{0,200}") {
            let _ = View::from_query(&query);
        }

        #[test]
        fn whatever_is_read_of_a_hostile_link_is_written_as_a_sound_one(query in hostile()) {
            let (view, _) = View::from_query(&query);
            let written = view.to_query();
            // It stands in pages and in scripts of pages.
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~:/,%&=".contains(c);
            prop_assert!(written.chars().all(plain), "{}", written);
            let (again, errors) = View::from_query(&written);
            prop_assert_eq!(errors, vec![], "{} of {}", written, query);
            prop_assert_eq!(again, view);
        }
    }

    /// Known keys with values that they should not have, among them parts of sound ones.
    fn hostile() -> impl Strategy<Value = String> {
        const KEYS: [&str; 27] = [
            "v",
            "src",
            "ears",
            "zone",
            "names",
            "began",
            "t",
            "span",
            "f",
            "axis",
            "ch",
            "fft",
            "db",
            "cm",
            "sel",
            "rate",
            "lens",
            "band",
            "gain",
            "loop",
            "clock",
            "flat",
            "peak",
            "gaps",
            "calls",
            "share",
            "constructor",
        ];
        let value = prop_oneof![
            "[-+.0-9eEsZ_:,]{0,40}",
            "[0-9]{1,6}[-._:][0-9]{0,25}([-._:,][0-9]{0,6}){0,3}",
            "(set|url|file|data|javascript):.{0,30}",
            "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{0,20}Z?",
            Just("9223372036854775807".to_owned()),
            Just("-9223372036854775808s".to_owned()),
            Just("1e308-1e309".to_owned()),
            Just("NaN..inf".to_owned()),
            Just("\"><script>alert(1)</script>".to_owned()),
            Just("%00%ff%e2%80%ae%".to_owned()),
            ".{0,60}",
        ];
        let pair = (0..KEYS.len(), value).prop_map(|(key, value)| format!("{}={value}", KEYS[key]));
        proptest::collection::vec(pair, 0..12).prop_map(|pairs| pairs.join("&"))
    }

    #[test]
    fn links_of_every_released_version_still_work() {
        let links = include_str!("released_links.txt");
        for line in links.lines().filter(|line| !line.starts_with('#')) {
            let (old, new) = line.split_once('\t').expect("two links");
            let (view, errors) = View::from_query(old);
            assert_eq!(errors, vec![], "{old}");
            assert_eq!(view.to_query(), new, "{old}");
        }
    }

    #[test]
    fn a_link_reads_like_a_sentence() {
        let view = View {
            source: Source::Deployment { id: "gulf-night".into(), recording: None },
            start: Some(Moment::Elapsed(12_500_000_000)),
            span_ns: Some(250_000_000),
            band_hz: Some((1000.0, 24_000.0)),
            ..View::default()
        };
        assert_eq!(view.to_query(), "v=1&src=set:gulf-night&t=12.5s&span=0.25&f=1000-24000");
    }

    #[test]
    fn links_that_hid_the_peaks_still_do() {
        for (query, statistic) in [
            ("peak=0", Statistic::Mean),
            ("peak=1", Statistic::Both),
            ("", Statistic::Both),
            ("peak=max", Statistic::Max),
        ] {
            assert_eq!(View::from_query(query).0.statistic, statistic, "{query}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_the_rest_still_counts() {
        let (view, errors) =
            View::from_query("?span=oops&f=100-200&later=1&fft=7.7.7.density.hann&db=5..5&rate=0");
        assert_eq!(view.band_hz, Some((100.0, 200.0)));
        let keys: Vec<_> = errors.iter().map(|e| e.key.as_str()).collect();
        assert_eq!(keys, ["span", "fft", "db", "rate"]);
    }
}
