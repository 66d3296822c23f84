//! What was heard when, as lines of text: WebVTT and SRT for players, Markdown to read.
//!
//! WebVTT as of the W3C's recommendation of 2019, without styles and positions; SRT as players agree on.

use std::fmt::Write;

use spyhop_api::Timestamp;

/// A line stays for this long at least: nobody reads faster.
const LEAST_SHOWN_S: f64 = 1.0;
const NANOS: f64 = 1e9;

/// A sound, in seconds from the beginning of what is told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Where it begins.
    pub start_s: f64,
    /// Where it ends.
    pub end_s: f64,
    /// What it is called.
    pub label: String,
}

/// Something to read, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct TranscriptLine {
    /// When the first of its sounds begins.
    pub start_s: f64,
    /// When the last of them ends.
    pub end_s: f64,
    /// What they are called.
    pub label: String,
    /// How many there are.
    pub count: usize,
}

impl TranscriptLine {
    /// What stands there: `whistle`, or `whistle × 3`.
    pub fn text(&self) -> String {
        // A line is a line: a label may hold what somebody pasted.
        let label = self.label.split_whitespace().collect::<Vec<_>>().join(" ");
        let label = if label.is_empty() { "sound" } else { &label };
        if self.count > 1 { format!("{label} × {}", self.count) } else { label.to_owned() }
    }
}

/// Lines of sounds, by time. Sounds of one name with no more than `join_s` between them are one line.
pub fn transcript(mut sounds: Vec<Sound>, join_s: f64) -> Vec<TranscriptLine> {
    sounds.retain(|s| s.start_s.is_finite() && s.end_s.is_finite());
    sounds.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    let mut lines: Vec<TranscriptLine> = Vec::new();
    for sound in sounds {
        // The last of its name is the latest of its name, since they come by time.
        let same = lines.iter_mut().rev().find(|line| line.label == sound.label);
        match same.filter(|line| sound.start_s <= line.end_s + join_s) {
            Some(line) => {
                line.end_s = line.end_s.max(sound.end_s);
                line.count += 1;
            }
            None => lines.push(TranscriptLine {
                start_s: sound.start_s,
                end_s: sound.end_s.max(sound.start_s),
                label: sound.label,
                count: 1,
            }),
        }
    }
    lines
}

/// WebVTT, for a `<track>` beside audio or video.
pub fn vtt(lines: &[TranscriptLine]) -> String {
    let mut text = String::from("WEBVTT\n");
    for line in lines {
        let (start, end) = shown(line);
        // The three characters that mean something in a cue, and the arrow that may not stand in one.
        let said = line.text().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(text, "\n{} --> {}\n{said}\n", clock(start, '.'), clock(end, '.'));
    }
    text
}

/// SubRip, which more players know.
pub fn srt(lines: &[TranscriptLine]) -> String {
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let (start, end) = shown(line);
        let said = line.text().replace("-->", "→");
        let (start, end) = (clock(start, ','), clock(end, ','));
        let _ = write!(text, "{}\n{start} --> {end}\n{said}\n\n", index + 1);
    }
    text
}

/// Markdown: a heading each `mark_every_s` seconds in which something was heard, and an item for each line.
/// Times are of the clock where `start` says when it began.
pub fn markdown(
    title: &str,
    lines: &[TranscriptLine],
    start: Option<Timestamp>,
    mark_every_s: f64,
) -> String {
    let mut text = format!("# {}\n", escaped(title));
    if let Some(start) = start {
        let _ = write!(text, "\nBegins at {} (UTC).\n", start.to_iso());
    }
    if lines.is_empty() {
        text.push_str("\nNothing was heard.\n");
    }
    let told = |s: f64| match start {
        Some(start) => {
            let iso = Timestamp(start.0.saturating_add((s * NANOS) as i64)).to_iso();
            iso.get(11..19).unwrap_or(&iso).to_owned()
        }
        None => clock(s, '.').chars().take(8).collect(),
    };
    let mut mark = None;
    for line in lines {
        let this = (line.start_s / mark_every_s).floor();
        if mark != Some(this) {
            mark = Some(this);
            let _ = write!(text, "\n## {}\n\n", told(this * mark_every_s));
        }
        let length_s = line.end_s - line.start_s;
        let said = escaped(&line.text());
        let _ = writeln!(text, "- {} {said} ({length_s:.1} s)", told(line.start_s));
    }
    text
}

/// When a line is to be seen, in seconds.
fn shown(line: &TranscriptLine) -> (f64, f64) {
    let start = line.start_s.max(0.0);
    (start, line.end_s.max(start + LEAST_SHOWN_S))
}

/// `00:01:02.345`, with as many digits of hours as there are.
fn clock(s: f64, point: char) -> String {
    let ms = (s * 1000.0).round() as u64;
    let (h, m) = (ms / 3_600_000, ms / 60_000 % 60);
    format!("{h:02}:{m:02}:{:02}{point}{:03}", ms / 1000 % 60, ms % 1000)
}

/// Text that Markdown takes for nothing but text.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!') {
            safe.push('\\');
        }
        safe.push(if c.is_control() { ' ' } else { c });
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(start_s: f64, end_s: f64, label: &str) -> Sound {
        Sound { start_s, end_s, label: label.into() }
    }

    fn night() -> Vec<TranscriptLine> {
        let sounds = vec![
            sound(61.5, 62.25, "upcall"),
            sound(3.0, 3.8, "whistle"),
            sound(4.5, 5.0, "whistle"),
            sound(3.2, 3.3, "click"),
            sound(3725.0, 3725.5, "<b>--></b>"),
        ];
        transcript(sounds, 2.0)
    }

    #[test]
    fn sounds_of_a_name_that_follow_each_other_are_one_line() {
        let lines = night();
        let told: Vec<(f64, f64, String)> =
            lines.iter().map(|line| (line.start_s, line.end_s, line.text())).collect();
        assert_eq!(
            told,
            [
                (3.0, 5.0, "whistle × 2".into()),
                (3.2, 3.3, "click".into()),
                (61.5, 62.25, "upcall".into()),
                (3725.0, 3725.5, "<b>--></b>".into()),
            ]
        );
        assert_eq!(transcript(vec![sound(0.0, 1.0, "a"), sound(3.1, 4.0, "a")], 2.0).len(), 2);
    }

    #[test]
    fn web_vtt_holds_every_cue_and_no_markup_of_a_label() {
        let text = vtt(&night());
        assert!(
            text.starts_with("WEBVTT\n\n00:00:03.000 --> 00:00:05.000\nwhistle × 2\n"),
            "{text}"
        );
        assert!(text.contains("\n00:00:03.200 --> 00:00:04.200\nclick\n"), "{text}");
        assert!(
            text.ends_with("\n01:02:05.000 --> 01:02:06.000\n&lt;b&gt;--&gt;&lt;/b&gt;\n"),
            "{text}"
        );
    }

    #[test]
    fn subrip_counts_its_cues() {
        let text = srt(&night());
        assert!(text.starts_with("1\n00:00:03,000 --> 00:00:05,000\nwhistle × 2\n\n2\n"), "{text}");
        assert!(text.ends_with("4\n01:02:05,000 --> 01:02:06,000\n<b>→</b>\n\n"), "{text}");
    }

    #[test]
    fn markdown_marks_the_time_where_something_was_heard() {
        let start = Timestamp::from_iso("2013-03-29T23:59:00Z").expect("a time");
        let text = markdown("A *night*", &night(), Some(start), 60.0);
        let expected = "# A \\*night\\*\n\nBegins at 2013-03-29T23:59:00.000000000Z (UTC).\n\n## 23:59:00\n\n\
                        - 23:59:03 whistle × 2 (2.0 s)\n- 23:59:03 click (0.1 s)\n\n## 00:00:00\n\n\
                        - 00:00:01 upcall (0.8 s)\n\n## 01:01:00\n\n- 01:01:05 \\<b\\>--\\>\\</b\\> (0.5 s)\n";
        assert_eq!(text, expected);
        assert!(markdown("x", &[], None, 60.0).contains("Nothing was heard."));
        assert!(markdown("x", &night(), None, 3600.0).contains("\n## 01:00:00\n\n- 01:02:05 "));
    }

    #[test]
    fn what_is_no_time_or_no_name_does_no_harm() {
        let lines = transcript(vec![sound(f64::NAN, 1.0, "a"), sound(-1.0, -2.0, " \n")], 1.0);
        assert_eq!(vtt(&lines), "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nsound\n");
    }
}
