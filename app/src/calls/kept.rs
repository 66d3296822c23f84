//! What is said of candidates that were found in this tab, kept in this browser beside the file's labels.
//!
//! A candidate is known again by its run's source and settings, its class, where in its file it begins and
//! ends, and its lowest frequency: what finds the same gets the same verdict.

use std::collections::{BTreeMap, HashMap};

use spyhop_api::detection::{DetectedCall, DetectionRun, Review};

use crate::browser_store::{self, Browser};
use crate::frame::line_ns;
use crate::labels::{Home, home_among, homes};
use crate::session::OpenSet;

const NANOS_PER_MS: i64 = 1_000_000;

/// By candidate: everything that was ever said of it, the first first.
type Kept = BTreeMap<String, Vec<Review>>;

/// What is kept of a run's candidates. What the browser holds is read once a file.
pub struct KeptReviews<'a> {
    open: &'a OpenSet,
    source: String,
    homes: Vec<Home>,
    read: HashMap<String, Kept>,
    laid_aside: Vec<String>,
}

impl KeptReviews<'_> {
    /// Of a run over what is open.
    pub fn of<'a>(open: &'a OpenSet, run: &DetectionRun) -> KeptReviews<'a> {
        let about = &run.source;
        let (name, print, settings) = (&about.name, &about.fingerprint, &about.config_hash);
        let source = format!("{name}|{print}|{settings}|{}", run.channel);
        KeptReviews {
            open,
            source,
            homes: homes(open),
            read: HashMap::new(),
            laid_aside: Vec::new(),
        }
    }

    /// What was ever said of a candidate.
    pub fn said(&mut self, call: &DetectedCall) -> Vec<Review> {
        let Some((home, in_file_ns)) = self.place_of(call) else { return Vec::new() };
        let laid_aside = &mut self.laid_aside;
        let read = || browser_store::read(&Browser, &home, laid_aside);
        let kept = self.read.entry(home.clone()).or_insert_with(read);
        said_in(kept, &self.source, call, in_file_ns)
    }

    /// Under which keys lies what was kept and can't be read, as far as it was met.
    pub fn laid_aside(self) -> Vec<String> {
        self.laid_aside
    }

    /// Keeps it; false where the store is full or forbidden. It is still on the page then, from where it
    /// can be saved as a table.
    pub fn keep(&self, call: &DetectedCall, steps: &[Review]) -> bool {
        let Some((home, in_file_ns)) = self.place_of(call) else { return false };
        let key = key(&self.source, call, in_file_ns);
        browser_store::change(&Browser, &home, |kept: &mut Kept| {
            kept.insert(key, steps.to_vec());
        })
    }

    /// Where its file's candidates are kept, and when it begins in its file, nanoseconds.
    fn place_of(&self, call: &DetectedCall) -> Option<(String, i64)> {
        let start_ns = line_ns(call.start, self.open.line.origin);
        let home = home_among(&self.homes, start_ns)?;
        Some((home.key.replace("labels", "calls"), start_ns - home.start_ns))
    }
}

fn said_in(kept: &Kept, source: &str, call: &DetectedCall, in_file_ns: i64) -> Vec<Review> {
    let said = kept.get(&key(source, call, in_file_ns));
    said.or_else(|| kept.get(&old_key(source, call, in_file_ns))).cloned().unwrap_or_default()
}

/// A candidate among those of its file, in whole milliseconds and hertz: beside other files its file begins
/// on a whole sample of the first, a little earlier or later.
fn key(source: &str, call: &DetectedCall, in_file_ns: i64) -> String {
    let ms = |ns: i64| ns.saturating_add(NANOS_PER_MS / 2).div_euclid(NANOS_PER_MS);
    let (start, end) = (ms(in_file_ns), ms(in_file_ns.saturating_add(call.span_ns)));
    format!("{source}|{}|{start}-{end}|{:.0}", call.class, call.low_hz)
}

/// What it was known by before: several that began together were one.
fn old_key(source: &str, call: &DetectedCall, in_file_ns: i64) -> String {
    format!("{source}|{}|{}", call.class, in_file_ns.div_euclid(NANOS_PER_MS))
}

#[cfg(test)]
mod tests {
    use spyhop_api::detection::Verdict;

    use super::super::local::tests::call;
    use super::*;

    const AT: i64 = 2_004_000_000;

    fn said(verdict: Verdict) -> Vec<Review> {
        vec![Review { version: 1, verdict, ..Review::default() }]
    }

    #[test]
    fn two_whistles_that_begin_together_keep_a_verdict_each() {
        let low = call("whistle", 2, 0.9);
        let longer = DetectedCall { span_ns: low.span_ns + 4_000_000, ..low.clone() };
        let higher = DetectedCall { low_hz: low.low_hz + 100.0, ..low.clone() };
        let mut kept = Kept::new();
        let (yes, no) = (said(Verdict::Accepted), said(Verdict::Rejected));
        kept.insert(key("s", &low, AT), yes.clone());
        kept.insert(key("s", &higher, AT), no.clone());
        assert_eq!(said_in(&kept, "s", &low, AT), yes);
        assert_eq!(said_in(&kept, "s", &higher, AT), no);
        assert!(said_in(&kept, "s", &longer, AT).is_empty(), "nobody spoke of the third");
        assert!(said_in(&kept, "other", &low, AT).is_empty(), "found by other settings");
    }

    #[test]
    fn a_file_that_begins_a_part_of_a_sample_later_keeps_what_was_said() {
        let whistle = call("whistle", 2, 0.9);
        let kept = Kept::from([(key("s", &whistle, AT), said(Verdict::Accepted))]);
        for shift in [-10_000, -1, 1, 10_000] {
            assert_eq!(said_in(&kept, "s", &whistle, AT + shift), said(Verdict::Accepted));
        }
    }

    #[test]
    fn what_was_kept_by_the_beginning_alone_is_still_read() {
        let whistle = call("whistle", 2, 0.9);
        let mut kept = Kept::from([("s|whistle|2004".to_owned(), said(Verdict::Rejected))]);
        assert_eq!(said_in(&kept, "s", &whistle, AT), said(Verdict::Rejected));
        kept.insert(key("s", &whistle, AT), said(Verdict::Accepted));
        assert_eq!(said_in(&kept, "s", &whistle, AT), said(Verdict::Accepted), "the newer word");
    }
}
