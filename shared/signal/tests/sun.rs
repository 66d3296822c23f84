//! The sun against astral's (see `fixtures/astral_sun.py`).

use serde_json::Value;
use spyhop_signal::sun::{Light, altitude_deg, light};

const SECOND: f64 = 1e9;

#[test]
fn sunrise_sunset_and_twilight_are_astrals() {
    let cases: Value =
        serde_json::from_str(include_str!("fixtures/astral_sun.json")).expect("valid JSON");
    let mut compared = 0;
    for case in cases.as_array().expect("cases") {
        let number = |name: &str| case[name].as_f64();
        let (latitude, longitude) = (number("latitude"), number("longitude"));
        let (latitude, longitude) = (latitude.expect("a place"), longitude.expect("a place"));
        let altitude = |at_s: f64| altitude_deg(latitude, longitude, (at_s * SECOND) as i64);
        for (event, sun_deg) in
            [("sunrise", -0.833), ("sunset", -0.833), ("dawn", -6.0), ("dusk", -6.0)]
        {
            let Some(at_s) = number(event) else { continue };
            let off = altitude(at_s) - sun_deg;
            // The same formulas, evaluated at another moment near by: 0.005° is about a second.
            assert!(off.abs() < 0.005, "{event} is off by {off}°: {case}");
            compared += 1;
        }
        // Where there is no sunrise on a day, the day is all light or all dark.
        if ["dawn", "sunrise", "sunset", "dusk"].iter().all(|e| case[e].is_null()) {
            let noon = number("noon").expect("a noon") * SECOND;
            let half_day = 0.5 * 86_400.0 * SECOND;
            let span = (noon - half_day) as i64..(noon + half_day) as i64;
            let all = light(latitude, longitude, span);
            assert_eq!(all.len(), 1, "{case}: {all:?}");
        }
    }
    assert!(compared > 150, "{compared}");
}

#[test]
fn the_day_is_where_it_is_known_to_be() {
    // Timeanddate's and NOAA's tables give Boston's sunrise on 2020-06-20 as 05:07 EDT, its sunset as
    // 20:24 EDT.
    let at = |text: &str| spyhop_api::Timestamp::from_iso(text).expect("a time").0;
    let day = light(42.36, -71.06, at("2020-06-20T08:00:00Z")..at("2020-06-21T02:00:00Z"));
    let sun = day.iter().find(|i| i.light == Light::Day).expect("a day");
    for (ours, theirs) in
        [(sun.start_ns, "2020-06-20T09:07:30Z"), (sun.end_ns, "2020-06-21T00:24:30Z")]
    {
        assert!((ours - at(theirs)).abs() < 60 * 1_000_000_000, "{ours} for {theirs}");
    }
}
