//! The share of calls that is found at a threshold, with how sure that is.

use spyhop_api::recall::CallsKnown;

/// A share of calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share that was found, 0 to 1.
    pub share: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Calls that are known to be there.
    pub calls: u64,
    /// Groups that they come in.
    pub groups: usize,
}

/// The 97.5 % point of the normal distribution: 95 % lie between it and its negative.
const Z: f64 = 1.959_963_984_540_054;

/// The share of calls that is found at a threshold: by candidates with that score or more. `None` where no
/// call is known.
///
/// The interval is Wilson's (1927), with the effective number of calls in place of their number. Calls of
/// a group share their luck, so that a hundred calls of one loud hour say less than a hundred from a
/// hundred hours: the variance of the share between groups, as a ratio estimate has it, over the variance
/// that independent calls would have is the design effect by which the number is divided, and few groups
/// widen it as Student's t does (Korn and Graubard, Survey Methodology 24, 1998). With one group nothing
/// is known of how groups differ: the interval is from 0 to 1.
pub fn share_found(known: &[CallsKnown], threshold: f64) -> Option<Share> {
    let groups: Vec<(f64, f64)> = known
        .iter()
        .filter(|group| group.calls > 0)
        .map(|group| {
            let found = group.found.iter().filter(|score| f64::from(**score) >= threshold).count();
            (found as f64, f64::from(group.calls))
        })
        .collect();
    let calls: f64 = groups.iter().map(|(_, calls)| calls).sum();
    if groups.is_empty() {
        return None;
    }
    let share = groups.iter().map(|(found, _)| found).sum::<f64>() / calls;
    let count = groups.len() as f64;
    let told =
        |low: f64, high: f64| Share { share, low, high, calls: calls as u64, groups: groups.len() };
    if groups.len() == 1 {
        return Some(told(0.0, 1.0));
    }
    let spread: f64 = groups.iter().map(|(found, calls)| (found - share * calls).powi(2)).sum();
    let between = count / (count - 1.0) * spread / (calls * calls);
    let independent = share * (1.0 - share) / calls;
    // Where all or none is found nothing varies, and the number of calls is all that is known.
    let design = if independent > 0.0 { (between / independent).max(1.0) } else { 1.0 };
    let few = (Z / student_t(count - 1.0)).powi(2);
    let effective = calls / design * few;
    let squared = Z * Z / effective;
    let middle = (share + squared / 2.0) / (1.0 + squared);
    let half = Z / (1.0 + squared)
        * (share * (1.0 - share) / effective + squared / (4.0 * effective)).sqrt();
    Some(told((middle - half).max(0.0), (middle + half).min(1.0)))
}

/// The 97.5 % point of Student's t, to 1 %: Fisher's expansion (1925) in the inverse of the degrees of
/// freedom, which the first two do not follow.
fn student_t(degrees: f64) -> f64 {
    if degrees < 1.5 {
        return 12.706_204_736;
    }
    if degrees < 2.5 {
        return 4.302_652_73;
    }
    let z2 = Z * Z;
    let first = (z2 + 1.0) / 4.0;
    let second = ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    let third = (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    Z * (1.0 + first / degrees + second / degrees.powi(2) + third / degrees.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(calls: u32, found: &[f32]) -> CallsKnown {
        CallsKnown { calls, found: found.to_vec() }
    }

    #[test]
    fn the_share_counts_what_is_found_at_the_threshold() {
        let known = [group(4, &[0.9, 0.6]), group(0, &[]), group(2, &[0.6, 0.2])];
        let at = |threshold| share_found(&known, threshold).expect("calls").share;
        assert_eq!((at(0.95), at(0.6), at(0.0)), (0.0, 0.5, 4.0 / 6.0));
        let share = share_found(&known, 0.6).expect("calls");
        assert_eq!((share.calls, share.groups), (6, 2));
        assert_eq!(share_found(&[group(0, &[])], 0.0), None);
        assert_eq!(share_found(&[], 0.0), None);
    }

    /// Numbers of scipy 1.15: `stats.t.ppf(0.975, groups - 1)` and the effective number put into the formula of
    /// `stats.binomtest(found, calls).proportion_ci(method='wilson')` in numpy. Two per mille: Student's t here is good to one per cent.
    #[test]
    fn the_interval_is_wilson_s_with_the_effective_number_of_calls() {
        let near = |share: Share, low: f64, high: f64| {
            assert!(
                (share.low - low).abs() < 2e-3 && (share.high - high).abs() < 2e-3,
                "{share:?}"
            );
        };
        // Alike in all groups: calls count one by one.
        let alike: Vec<CallsKnown> = (0..200).map(|_| group(1, &[0.5])).collect();
        let mut mixed = alike.clone();
        (0..50).for_each(|i| mixed[i].found.clear());
        near(share_found(&alike, 0.1).expect("calls"), 0.980_928, 1.0);
        near(share_found(&mixed, 0.1).expect("calls"), 0.685_070, 0.805_347);
        // Ten groups of twenty, found whole or not at all.
        let lumps: Vec<CallsKnown> =
            (0..10).map(|i| if i < 7 { group(20, &[0.5; 20]) } else { group(20, &[]) }).collect();
        near(share_found(&lumps, 0.1).expect("calls"), 0.342_234, 0.912_771);
        let one = share_found(&[group(100, &[0.5; 50])], 0.1).expect("calls");
        assert_eq!((one.share, one.low, one.high), (0.5, 0.0, 1.0));
    }

    #[test]
    fn student_s_t_is_good_to_one_per_cent() {
        for (degrees, t) in [
            (1.0, 12.706_205),
            (2.0, 4.302_653),
            (3.0, 3.182_446),
            (5.0, 2.570_582),
            (9.0, 2.262_157),
            (29.0, 2.045_230),
        ] {
            assert!((student_t(degrees) / t - 1.0).abs() < 0.01, "{degrees}");
        }
    }
}
