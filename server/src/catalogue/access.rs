//! Who may see what of a deployment. Every answer that shows anything of one asks here first.
//!
//! Endangered whales are found by where they were heard: a deployment may hide its position, itself,
//! or everything until a date.

use spyhop_api::{Deployment, PositionPublic, RecordingInfo, Timestamp, Visibility};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Anybody.
    Public,
    /// Somebody with the administrator's token, or the person at this machine's command line.
    Administrator,
}

/// What a reader gets of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It stands in lists, and is answered.
    Listed,
    /// It is answered, to those who know its name.
    Unlisted,
    /// As if there were none.
    Absent,
}

/// Keys of a recording's own metadata that tell where it was made: GUANO, WAMD and x.wav.
const POSITION_KEYS: &[&str] =
    &["position", "latitude", "longitude", "gps", "elevation", "lat", "lon", "site"];

/// What a reader gets of a deployment at a time.
pub fn access(deployment: &Deployment, reader: Reader, now: Timestamp) -> Access {
    if reader == Reader::Administrator {
        return Access::Listed;
    }
    if deployment.embargo_until.is_some_and(|until| now < until) {
        return Access::Absent;
    }
    match deployment.visibility {
        Visibility::Public => Access::Listed,
        Visibility::Unlisted => Access::Unlisted,
        Visibility::Private => Access::Absent,
    }
}

/// The deployment as a reader may see it, with its position as exactly as is published; `None` where
/// it is absent for them.
pub fn published(deployment: Deployment, reader: Reader, now: Timestamp) -> Option<Deployment> {
    if access(&deployment, reader, now) == Access::Absent {
        return None;
    }
    let mut shown = deployment;
    if reader == Reader::Administrator {
        return Some(shown);
    }
    shown.embargo_until = None;
    match shown.position_public {
        PositionPublic::Exact => return Some(shown),
        PositionPublic::Rounded => {
            let tenths = |degrees: f64| (degrees * 10.0).round() / 10.0;
            shown.latitude = shown.latitude.map(tenths);
            shown.longitude = shown.longitude.map(tenths);
        }
        PositionPublic::Hidden => (shown.latitude, shown.longitude) = (None, None),
    }
    shown.position = String::new();
    for info in &mut shown.recordings {
        without_position(info);
    }
    Some(shown)
}

/// Takes out of a recording's metadata where it was made.
pub fn without_position(info: &mut RecordingInfo) {
    info.metadata.retain(|key, _| !tells_position(key));
}

/// Whether a recording's own header says where it was made; whoever may read the file reads that.
pub fn carries_position(info: &RecordingInfo) -> bool {
    info.metadata.keys().any(|key| tells_position(key))
}

fn tells_position(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| POSITION_KEYS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn deployment() -> Deployment {
        Deployment {
            position: "off Cape Ann".into(),
            latitude: Some(42.6543),
            longitude: Some(-70.3512),
            ..Deployment::default()
        }
    }

    #[test]
    fn a_private_or_embargoed_deployment_is_absent_for_all_but_the_administrator() {
        for (visibility, until, expected) in [
            (Visibility::Public, None, Access::Listed),
            (Visibility::Unlisted, None, Access::Unlisted),
            (Visibility::Private, None, Access::Absent),
            (Visibility::Public, Some(1_001), Access::Absent),
            (Visibility::Public, Some(1_000), Access::Listed),
            (Visibility::Unlisted, Some(2_000), Access::Absent),
            (Visibility::Private, Some(10), Access::Absent),
        ] {
            let embargo_until = until.map(Timestamp);
            let d = Deployment { visibility, embargo_until, ..deployment() };
            assert_eq!(access(&d, Reader::Public, NOW), expected, "{visibility:?} {until:?}");
            let shown = published(d.clone(), Reader::Public, NOW);
            assert_eq!(shown.is_none(), expected == Access::Absent);
            assert!(
                shown.is_none_or(|d| d.embargo_until.is_none()),
                "an embargo is nobody's matter"
            );
            assert_eq!(published(d.clone(), Reader::Administrator, NOW), Some(d));
        }
    }

    #[test]
    fn a_position_is_published_as_exactly_as_is_said() {
        let shown = |position_public| {
            let d = Deployment { position_public, ..deployment() };
            let d = published(d, Reader::Public, NOW).expect("public");
            (d.latitude, d.longitude, d.position)
        };
        let text = || "off Cape Ann".to_owned();
        assert_eq!(shown(PositionPublic::Exact), (Some(42.6543), Some(-70.3512), text()));
        assert_eq!(shown(PositionPublic::Rounded), (Some(42.7), Some(-70.4), String::new()));
        assert_eq!(shown(PositionPublic::Hidden), (None, None, String::new()));
    }

    #[test]
    fn what_headers_tell_of_a_position_is_kept_back_with_it() {
        for key in ["Loc Position", "wamd GPS", "harp Position", "harp Site", "Loc Elevation"] {
            assert!(tells_position(key), "{key}");
        }
        for key in ["GUANO Make", "harp DepthM", "Latin name", "EARS clock drift ppm"] {
            assert!(!tells_position(key), "{key}");
        }
    }
}
