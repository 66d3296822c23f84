//! Which networks can be run over what is open, and why others can't.

use spyhop_api::{HostedModel, ModelCard};
use spyhop_signal::detect::fit::check_network;
use spyhop_words::calls::offer as words;

use crate::wording;

/// What is open, as far as it decides what can be heard in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    pub rate_hz: f64,
    /// Where its content ends, where that is known to be below half its rate.
    pub content_end_hz: Option<f64>,
}

/// Whether a network can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Offer {
    /// It fits; what it listens to.
    Fits(String),
    /// Why it can't be run as it is; an adapter may bring a card of its own.
    WithAdapter(String),
    /// Why it can't be run.
    Not(String),
}

impl Offer {
    /// Of a network of a server.
    pub fn of(model: &HostedModel, heard: Heard) -> Offer {
        let Some(card) = &model.card else {
            let why = model.problem.clone();
            return Offer::Not(why.unwrap_or_else(|| words::UNSOUND.to_owned()));
        };
        match Offer::of_card(&model.name, card, heard) {
            Offer::Not(why) if !model.adapters.is_empty() => {
                Offer::WithAdapter(words::with_adapter(why))
            }
            offer => offer,
        }
    }

    /// Of a network that has no adapters.
    pub fn of_card(name: &str, card: &ModelCard, heard: Heard) -> Offer {
        match check_network(name, card, heard.rate_hz, heard.content_end_hz) {
            Ok(()) => Offer::Fits(hears(card)),
            Err(unfit) => Offer::Not(unfit.to_string()),
        }
    }

    /// What a person is told of it.
    pub fn told(&self) -> &str {
        match self {
            Offer::Fits(told) | Offer::WithAdapter(told) | Offer::Not(told) => told,
        }
    }

    /// Whether it can be chosen.
    pub fn can_be_chosen(&self) -> bool {
        !matches!(self, Offer::Not(_))
    }
}

/// `upcall, none: listens at 20 Hz–8 kHz`.
fn hears(card: &ModelCard) -> String {
    const MOST: usize = 4;
    let calls = || card.classes.iter().filter(|class| class.is_call);
    let mut names: Vec<&str> = calls().take(MOST).map(|class| class.name.as_str()).collect();
    if calls().count() > MOST {
        names.push("…");
    }
    words::hears(names.join(", "), wording::band(card.band_hz))
}

#[cfg(test)]
mod tests {
    use spyhop_api::{FrontEnd, ModelClass};

    use super::*;

    fn model() -> HostedModel {
        let class = ModelClass {
            name: "upcall".into(),
            band_hz: (20.0, 8000.0),
            threshold: 0.5,
            is_call: true,
        };
        let card = ModelCard::new("tiny", FrontEnd::of_rate(16_000.0));
        HostedModel {
            name: "tiny".into(),
            card: Some(ModelCard { classes: vec![class], ..card }),
            problem: None,
            parameters: 1,
            fingerprint: String::new(),
            files: Vec::new(),
            adapters: Vec::new(),
        }
    }

    #[test]
    fn a_network_that_does_not_fit_is_offered_with_the_reason_and_can_t_be_chosen() {
        let of = |model: &HostedModel, rate_hz, content_end_hz| {
            Offer::of(model, Heard { rate_hz, content_end_hz })
        };
        let fits = of(&model(), 16_000.0, None);
        assert!(fits.can_be_chosen() && fits.told().starts_with("upcall: "), "{fits:?}");
        let low = of(&model(), 2000.0, None);
        assert!(
            !low.can_be_chosen() && low.told().contains("sampling rate of 16000 Hz"),
            "{low:?}"
        );
        let empty = of(&model(), 48_000.0, Some(3000.0));
        assert!(!empty.can_be_chosen() && empty.told().contains("ends at 3 kHz"), "{empty:?}");
        // An adapter may listen to other sounds than the network itself.
        let adapters = vec!["gulf".to_owned()];
        let low = of(&HostedModel { adapters, ..model() }, 2000.0, None);
        assert!(low.can_be_chosen() && low.told().contains("adapter"), "{low:?}");
        let problem = Some("config.json is none".to_owned());
        let broken = of(&HostedModel { card: None, problem, ..model() }, 16_000.0, None);
        assert_eq!(broken, Offer::Not("config.json is none".into()));
    }
}
