//! Progress bars of what takes long.

use indicatif::{ProgressBar, ProgressStyle};
use spyhop_api::job::{JobProgress, PaceUnit};

/// Parts that a job's bar has: it moves within a unit.
const PARTS: u64 = 1000;

/// A bar on standard error, where a person looks on; `doing` is what is done, as `decoding`.
pub fn bar(total: u64, doing: &str) -> ProgressBar {
    let template = format!("{doing} {{bar:30}} {{percent}} %  {{eta}} left");
    let style = ProgressStyle::with_template(&template);
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A bar for a job; [`show_job`] moves it.
pub fn job_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:30} {percent} %  {msg}");
    ProgressBar::new(PARTS).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Moves a job's bar to where the job is, and says how far that is.
pub fn show_job(bar: &ProgressBar, job: &JobProgress, words: String) {
    bar.set_position((job.fraction.clamp(0.0, 1.0) * PARTS as f64) as u64);
    bar.set_prefix(job.title.clone());
    bar.set_message(words);
}

/// `1240 of 2000 units, 12.3/s, 1 min left, 2 failed`; of what listens to sound `3.2 of 48 h of sound, 2.9
/// audio-hours a minute, 16 min left, 2 units failed`.
pub fn job_in_words(job: &JobProgress) -> String {
    let sound = job.sound_done_h();
    let mut words = match sound {
        Some((done, all)) => format!("{} of {} h of sound", rounded(done), rounded(all)),
        None => format!("{} of {} units", job.done, job.total),
    };
    if let Some(pace) = job.sound_pace() {
        let every = match pace.every {
            PaceUnit::Second => "a second",
            PaceUnit::Minute => "a minute",
            PaceUnit::Hour => "an hour",
        };
        words += &format!(", {} audio-hours {every}", rounded(pace.hours));
    } else if sound.is_none() && job.units_per_s > 0.0 {
        words += &format!(", {}/s", rounded(job.units_per_s));
    }
    if let Some(left) = job.time_left_s {
        words += &format!(", {} left", time_left(left));
    }
    if job.failed > 0 {
        let units = if sound.is_some() { " units" } else { "" };
        words += &format!(", {}{units} failed", job.failed);
    }
    words
}

/// Two digits are enough for a speed.
pub fn rounded(per_s: f64) -> String {
    match per_s {
        s if s >= 10.0 => format!("{s:.0}"),
        s if s >= 1.0 => format!("{s:.1}"),
        s => format!("{s:.2}"),
    }
}

/// `40 s`, `3 min`, `5 h 20 min`, `4 d 2 h`.
pub fn time_left(seconds: f64) -> String {
    let s = seconds.clamp(0.0, 1e9).ceil() as u64;
    match s {
        0..=99 => format!("{s} s"),
        100..=5999 => format!("{} min", s.div_ceil(60)),
        6000..=172_799 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::time_left;

    #[test]
    fn what_is_left_is_said_in_the_largest_units_that_tell() {
        let said = [0.2, 99.0, 101.0, 5999.0, 7260.0, 180_000.0].map(time_left);
        assert_eq!(said, ["1 s", "99 s", "2 min", "100 min", "2 h 1 min", "2 d 2 h"]);
    }
}
