//! What is heard, in words, while it sounds: for whoever does not hear it or does not know it.

use leptos::prelude::*;
use spyhop_api::{Moment, Step, View};

use super::play::Play;

/// The caption of this moment, over the lower edge of the picture.
#[component]
pub fn Captions(play: Play) -> impl IntoView {
    let said = Memo::new(move |_| {
        let head = play.viewer.shown.with(|shown| shown.head.filter(|_| shown.is_playing))?;
        said_at(&play.step()?, head)
    });
    view! {
        <p id="story-said" class="story-said" aria-live="polite">{move || said.get()}</p>
    }
}

/// What a step says of a moment: captions count from the left edge of its view.
fn said_at(step: &Step, head: Moment) -> Option<String> {
    let (view, _) = View::from_query(&step.view);
    let left = view.start.unwrap_or(Moment::Elapsed(0));
    let at_s = match (left, head) {
        (Moment::Clock(left), Moment::Clock(head)) => head.0.saturating_sub(left.0),
        (Moment::Elapsed(left), Moment::Elapsed(head)) => head.saturating_sub(left),
        _ => return None,
    } as f64
        / 1e9;
    let now = step.says.iter().filter(|s| s.at_s <= at_s && at_s < s.at_s + s.lasts_s);
    let words: Vec<&str> = now.map(|said| said.text.as_str()).collect();
    (!words.is_empty()).then(|| words.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::{Said, Timestamp};

    #[test]
    fn a_caption_stands_as_long_as_its_sound() {
        let said = |at_s, lasts_s, text: &str| Said { at_s, lasts_s, text: text.into() };
        let step = Step {
            view: "v=1&src=set:a&t=2024-01-01T00:00:10Z&span=5".into(),
            says: vec![said(1.0, 2.0, "whistle"), said(2.0, 2.0, "clicks")],
            ..Step::default()
        };
        let start = Timestamp::from_iso("2024-01-01T00:00:10Z").map_or(0, |t| t.0);
        let at = |s: f64| said_at(&step, Moment::Clock(Timestamp(start + (s * 1e9) as i64)));
        assert_eq!(at(0.5), None);
        assert_eq!(at(1.5).as_deref(), Some("whistle"));
        assert_eq!(at(2.5).as_deref(), Some("whistle · clicks"));
        assert_eq!(at(4.5), None);
        assert_eq!(said_at(&step, Moment::Elapsed(0)), None);
    }
}
