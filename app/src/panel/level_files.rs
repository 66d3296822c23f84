//! The level panel's charts as files: PNG, SVG, and the numbers as CSV.

use std::fmt::Write;

use spyhop_api::Timestamp;
use spyhop_paint::svg;
use spyhop_words::panel::level_files as words;

use super::level_chart::{Chart, Kind};
use crate::files;
use crate::levels::PERCENTS;
use crate::session::{NoticeKind, Session};
use crate::viewer::Surface;

/// Size of a chart in a file, CSS pixels.
const SIZE_PX: (f64, f64) = (900.0, 480.0);
/// Pixels of a PNG along a CSS pixel.
const PNG_SCALE: f64 = 2.0;

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Png,
    Svg,
    Csv,
}

impl Form {
    /// All of them, with the words for a person and the ending of a file's name.
    pub const ALL: [(Form, &'static str, &'static str); 3] = [
        (Form::Png, words::PNG, "png"),
        (Form::Svg, words::SVG, "svg"),
        (Form::Csv, words::CSV, "csv"),
    ];
}

/// Gives a person the file of a chart.
pub fn save(session: Session, chart: &Chart<'_>, form: Form) {
    let id = Kind::ALL.iter().find(|(kind, ..)| *kind == chart.kind).map_or("", |(.., id)| id);
    let name = |ending: &str| format!("spyhop-levels-{id}.{ending}");
    let (width, height) = SIZE_PX;
    match form {
        Form::Csv => files::save(&name("csv"), "text/csv", csv(chart).as_bytes()),
        Form::Svg => {
            // A chart holds no pictures.
            let no_picture = |_: &_| Ok::<_, std::convert::Infallible>(String::new());
            match svg::document(&chart.scene(width, height), "", no_picture) {
                Ok(text) => files::save(&name("svg"), "image/svg+xml", text.as_bytes()),
                Err(never) => match never {},
            }
        }
        Form::Png => {
            let drawn =
                Surface::off_page(width, height, PNG_SCALE).and_then(|(canvas, surface)| {
                    surface.items(&chart.scene(width, height).items);
                    canvas.to_data_url().ok()
                });
            match drawn {
                Some(url) => files::save_url(&name("png"), &url),
                None => session.tell(NoticeKind::Error, words::NO_PNG),
            }
        }
    }
}

/// The numbers of a chart; the first line names the columns with their units.
fn csv(chart: &Chart<'_>) -> String {
    let (levels, unit) = (chart.levels, chart.kind.quantity().unit(chart.calibrated));
    let number = |v: f64| if v.is_finite() { format!("{v:.3}") } else { String::new() };
    let mut out = String::new();
    // Writing into a `String` never fails.
    let mut line = |cells: &[String]| {
        let _ = writeln!(out, "{}", cells.join(","));
    };
    match chart.kind {
        Kind::Spectrum => {
            let mut head = vec!["frequency (Hz)".to_owned(), format!("mean ({unit})")];
            head.extend(PERCENTS.iter().map(|p| format!("percentile {p} ({unit})")));
            line(&head);
            for (i, hz) in levels.hz.iter().enumerate() {
                let mut cells = vec![number(*hz), number(levels.mean_db[i])];
                cells.extend(levels.percentiles_db.iter().map(|all| number(all[i])));
                line(&cells);
            }
        }
        Kind::Decidecades => {
            let names = ["low (Hz)", "centre (Hz)", "high (Hz)"].map(str::to_owned);
            line(&[names.to_vec(), vec![format!("level ({unit})")]].concat());
            for (band, level) in &levels.bands {
                line(&[band.low_hz, band.centre_hz, band.high_hz, *level].map(number));
            }
        }
        Kind::OverTime => {
            let (time, at) = time(chart);
            line(&[time.to_owned(), format!("level ({unit})")]);
            for (place, level) in &levels.over_time {
                line(&[at(chart.fold.position_at(*place)), number(*level)]);
            }
        }
    }
    out
}

/// How times are told: UTC where the recordings are dated, else seconds since the beginning.
fn time<'a>(chart: &'a Chart<'_>) -> (&'static str, impl Fn(f64) -> String + 'a) {
    let origin = match &chart.telling.labels {
        spyhop_paint::TimeLabels::Clock { origin, .. } => Some(*origin),
        spyhop_paint::TimeLabels::Elapsed => None,
    };
    let rate = chart.telling.rate_hz;
    let tell = move |position: f64| match origin {
        Some(origin) => Timestamp(origin.0.saturating_add((position / rate * 1e9) as i64)).to_iso(),
        None => format!("{:.6}", position / rate),
    };
    (if origin.is_some() { "middle (UTC)" } else { "middle (s)" }, tell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Telling;
    use crate::levels::Levels;
    use spyhop_api::view::FrequencyAxis;
    use spyhop_paint::{FrequencyScale, Theme, TimeLabels};
    use spyhop_signal::Fold;

    fn levels() -> Levels {
        Levels {
            hz: vec![0.0, 10.0],
            mean_db: vec![f64::NAN, -60.5],
            percentiles_db: vec![vec![-70.0, -71.0]; PERCENTS.len()],
            bands: vec![(spyhop_signal::levels::decidecade(0), -12.25)],
            over_time: vec![(500.0, -3.0), (1500.0, f64::NAN)],
            broadband_db: -3.0,
            broadband_percentiles_db: vec![-3.0; PERCENTS.len()],
            slices: 1,
            partial: false,
        }
    }

    fn lines(kind: Kind, labels: TimeLabels) -> Vec<String> {
        let chart = Chart {
            levels: &levels(),
            kind,
            calibrated: false,
            scale: FrequencyScale::new(FrequencyAxis::Linear, 0.0, 10.0),
            places: 0.0..2000.0,
            fold: &Fold::default(),
            telling: &Telling { labels, rate_hz: 1000.0 },
            theme: Theme::dark(),
        };
        csv(&chart).lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_tables_name_their_units_and_leave_out_what_is_not_known() {
        let spectrum = lines(Kind::Spectrum, TimeLabels::Elapsed);
        assert!(spectrum[0].starts_with("frequency (Hz),mean (dB re FS²/Hz),percentile 5 "));
        assert_eq!(spectrum[1], "0.000,,-70.000,-70.000,-70.000,-70.000,-70.000");
        let bands = lines(Kind::Decidecades, TimeLabels::Elapsed);
        assert_eq!(bands[1], "891.251,1000.000,1122.018,-12.250");
    }

    #[test]
    fn times_are_utc_where_there_is_a_clock() {
        assert_eq!(lines(Kind::OverTime, TimeLabels::Elapsed)[1], "0.500000,-3.000");
        let origin = Timestamp(1_238_328_900_000_000_000);
        let clock = TimeLabels::Clock { origin, offset_s: 7200, zone: "local".into() };
        assert_eq!(lines(Kind::OverTime, clock)[2], "2009-03-29T12:15:01.500000000Z,");
    }
}
