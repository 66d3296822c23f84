//! Which networks hear what a deployment's recordings hold.

use spyhop_api::ModelCard;
use spyhop_api::detection::{Chance, NetworkFit};
use spyhop_signal::detect::fit::{check_network, held_hz, hertz, is_likely};

/// Networks beside recordings of a rate, the most likely first, as a person chooses among them. A network
/// comes as its name and its card, or what is wrong with it; where the recordings' content is known to end
/// below half their rate `content_end_hz` says where.
pub fn fitting_networks(
    networks: Vec<(String, Result<ModelCard, String>)>,
    rate_hz: f64,
    content_end_hz: Option<f64>,
) -> Vec<NetworkFit> {
    let fit = |(name, card): (String, Result<ModelCard, String>)| match card {
        Ok(card) => fit(name, &card, rate_hz, content_end_hz),
        Err(sentence) => NetworkFit { name, band_hz: None, chance: Chance::None, sentence },
    };
    let mut all: Vec<NetworkFit> = networks.into_iter().map(fit).collect();
    all.sort_by_key(|fit| fit.chance);
    all
}

fn fit(name: String, card: &ModelCard, rate_hz: f64, content_end_hz: Option<f64>) -> NetworkFit {
    let (low_hz, high_hz) = card.band_hz;
    let calls = card.classes.iter().filter(|class| class.is_call).map(|class| class.name.as_str());
    let calls = named(&calls.collect::<Vec<_>>());
    let (low, high, rate) = (hertz(low_hz), hertz(high_hz), hertz(rate_hz));
    let end_hz = content_end_hz.unwrap_or(f64::INFINITY).min(held_hz(rate_hz));
    let (chance, sentence) = match check_network(&name, card, rate_hz, content_end_hz) {
        Err(unfit) => (Chance::None, unfit.to_string()),
        Ok(()) if is_likely(high_hz, end_hz) => {
            (Chance::Likely, format!("hears {calls} from {low} to {high}"))
        }
        Ok(()) => (
            Chance::Possible,
            format!(
                "hears {calls} from {low} to {high}: a recording of {rate} holds them, but is mostly made for \
                 higher calls"
            ),
        ),
    };
    NetworkFit { name, band_hz: Some(card.band_hz), chance, sentence }
}

/// The first of some classes, and how many more there are.
fn named(classes: &[&str]) -> String {
    const NAMED: usize = 3;
    let first = classes.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match classes.len().checked_sub(NAMED) {
        None | Some(0) => first,
        Some(more) => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_that_fit_come_first_and_the_others_with_the_reason() {
        let card = crate::models::Model::listed(std::path::Path::new("upcall-small"));
        let card = card.expect("it comes with the program").card().expect("a card");
        let fits = |rate_hz, content_end_hz| {
            let networks = vec![
                ("torn".to_owned(), Err("torn/config.json can't be understood".to_owned())),
                ("upcall-small".to_owned(), Ok(card.clone())),
            ];
            fitting_networks(networks, rate_hz, content_end_hz)
        };
        let at_2k = fits(2000.0, None);
        let told: Vec<(&str, Chance)> = at_2k.iter().map(|f| (&*f.name, f.chance)).collect();
        assert_eq!(told, [("upcall-small", Chance::Likely), ("torn", Chance::None)]);
        assert_eq!(at_2k[0].sentence, "hears upcall from 30 Hz to 400 Hz");
        assert_eq!((at_2k[0].band_hz, at_2k[1].band_hz), (Some((30.0, 400.0)), None));
        assert!(at_2k[1].sentence.contains("can't be understood"));
        let one = |fits: Vec<NetworkFit>| fits.into_iter().find(|f| f.name == "upcall-small");
        let one = |rate, end| one(fits(rate, end)).expect("listed");
        let fast = one(192_000.0, None);
        assert_eq!(fast.chance, Chance::Possible);
        assert!(fast.sentence.contains("made for higher calls"), "{fast:?}");
        let slow = one(500.0, None);
        assert_eq!(slow.chance, Chance::None);
        assert!(slow.sentence.contains("a sampling rate of 889 Hz or more"), "{slow:?}");
        // Sampled fast enough, but of something slower.
        let filled = one(2000.0, Some(250.0));
        assert_eq!(filled.chance, Chance::None);
        assert!(filled.sentence.contains("its content ends at 250 Hz"), "{filled:?}");
    }

    #[test]
    fn of_many_classes_some_are_named() {
        assert_eq!(named(&["a", "b", "c"]), "a, b, c");
        assert_eq!(named(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
