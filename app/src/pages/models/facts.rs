//! What a model card says, in a few words each.

use spyhop_api::{DetectorCard, HostedModel, Metric, ModelCard, ModelClass, Scores};
use spyhop_words::pages::model_facts as words;

use crate::wording;

/// Key, name and words of what is known of a network; what is not known is left out.
pub fn of_model(
    model: &HostedModel,
    card: &ModelCard,
) -> Vec<(&'static str, &'static str, String)> {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let bytes = model.files.iter().map(|file| file.bytes).sum();
    let rows = [
        ("listens", words::LISTENS, Some(wording::band(card.band_hz))),
        ("rate", words::RATE, Some(rate(card))),
        ("windows", words::WINDOWS, Some(windows(card))),
        ("picture", words::PICTURE, Some(picture(card))),
        ("scores", words::SCORES, Some(scores(card.scores).to_owned())),
        ("network", words::NETWORK, Some(size(model.parameters, bytes))),
        ("trained-on", words::TRAINED_ON, known(&card.training_data)),
        ("version", words::VERSION, known(&card.version)),
        ("licence", words::LICENCE, known(&card.licence)),
        ("cite", words::CITE, known(&card.citation)),
    ];
    rows.into_iter().filter_map(|(key, name, told)| Some((key, name, told?))).collect()
}

/// The same of a detector.
pub fn of_detector(card: &DetectorCard) -> Vec<(&'static str, &'static str, String)> {
    vec![
        ("listens", words::LISTENS, wording::band(card.band_hz)),
        ("needs", words::NEEDS, words::sounds_up_to(wording::hertz(card.needs_hz))),
        ("labels", words::LABELS, card.label.clone()),
        ("score", words::SCORE, card.score_unit.clone()),
        ("threshold", words::THRESHOLD, wording::trimmed(card.threshold, 2)),
        ("keeps-from", words::KEEPS_FROM, wording::trimmed(card.keep_from, 2)),
    ]
}

/// A class: `20–8000 Hz, from a score of 0.5`.
pub fn of_class(class: &ModelClass) -> String {
    match class.is_call {
        true => {
            words::counts_from(wording::band(class.band_hz), wording::trimmed(class.threshold, 3))
        }
        false => words::NO_CALL.to_owned(),
    }
}

/// A figure: its name and value.
pub fn of_metric(name: &str, metric: &Metric) -> String {
    match metric {
        Metric::Number(value) => words::figure(name, wording::trimmed(*value, 4)),
        Metric::Text(text) => words::figure_in_words(name, text),
    }
}

/// `2 kHz, heard 8 times faster`.
fn rate(card: &ModelCard) -> String {
    let rate = wording::hertz(card.rate_hz());
    match card.time_compression {
        1.0 => rate,
        faster if faster > 1.0 => words::heard_faster(rate, wording::trimmed(faster, 2)),
        slower => words::heard_slower(rate, wording::trimmed(1.0 / slower, 2)),
    }
}

fn windows(card: &ModelCard) -> String {
    let plan = card.window();
    let seconds = |samples: usize| wording::duration(samples as f64 / plan.rate_hz);
    words::one_every(seconds(plan.window_samples), seconds(plan.hop_samples))
}

fn picture(card: &ModelCard) -> String {
    let end = &card.front_end;
    let real_s = |samples: u32| wording::duration(f64::from(samples) / card.rate_hz());
    words::frames(end.frames, end.mels, real_s(end.frame_samples), real_s(end.hop_samples))
}

fn scores(scores: Scores) -> &'static str {
    match scores {
        Scores::Sigmoid => words::EACH_BY_ITSELF,
        Scores::Softmax => words::ALL_TOGETHER,
    }
}

fn size(parameters: u64, bytes: u64) -> String {
    let bytes = wording::bytes(bytes);
    match parameters as f64 {
        n if n < 1e6 => words::thousand_parameters(wording::trimmed(n / 1e3, 1), bytes),
        n => words::million_parameters(wording::trimmed(n / 1e6, 1), bytes),
    }
}

#[cfg(test)]
mod tests {
    use spyhop_api::FrontEnd;

    use super::*;

    #[test]
    fn a_card_says_how_fast_and_in_which_windows_its_network_hears() {
        let front_end =
            FrontEnd { low_hz: 160.0, mels: 64, frames: 98, ..FrontEnd::of_rate(16_000.0) };
        let card = ModelCard {
            licence: "CC0".into(),
            time_compression: 8.0,
            band_hz: (20.0, 1000.0),
            hop_samples: 8000,
            ..ModelCard::new("upcalls", front_end)
        };
        let model = HostedModel {
            name: "upcalls".into(),
            card: None,
            problem: None,
            parameters: 1_230_000,
            fingerprint: String::new(),
            files: Vec::new(),
            adapters: Vec::new(),
        };
        let facts = of_model(&model, &card);
        let fact = |key| facts.iter().find(|(k, ..)| *k == key).map(|(.., told)| told.as_str());
        assert_eq!(fact("rate"), Some("2 kHz, heard 8 times faster"));
        assert_eq!(fact("windows"), Some("7.96 s, one every 4 s"));
        assert_eq!(fact("picture"), Some("98 frames of 64 mel filters, 200 ms every 80 ms"));
        assert_eq!(fact("network"), Some("1.2 million parameters, 0 B"));
        assert_eq!((fact("licence"), fact("cite")), (Some("CC0"), None));
    }
}
