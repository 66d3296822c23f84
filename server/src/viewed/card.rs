//! The picture of a link whose recordings are not on this server: its words.

use spyhop_paint::export::{ExportError, to_small_png};
use spyhop_paint::{Anchor, Area, Item, Scene, Theme, Weight};

use super::picture::PREVIEW_PX;

const TITLE_PX: f64 = 46.0;
const TEXT_PX: f64 = 26.0;
const MARGIN_PX: f64 = 80.0;
/// Letters that stand side by side in the title.
const TITLE_LETTERS: usize = 42;
const TITLE_LINES: usize = 4;

/// A card of 1200 × 630 pixels with a title, and a line of what it is.
///
/// # Errors
/// When it can't be written as PNG.
pub fn card(title: &str, what: &str) -> Result<Vec<u8>, ExportError> {
    let (theme, (width, height)) = (Theme::dark(), PREVIEW_PX);
    let mut scene = Scene::new(width, height);
    scene.title = title.to_owned();
    scene.items.push(Item::fill(Area::new(0.0, 0.0, width, height), theme.background));
    scene.items.push(Item::fill(Area::new(0.0, 0.0, 14.0, height), theme.annotation));
    let words = |text: String, y: f64, size: f64, weight: Weight, colour| Item::Text {
        x: MARGIN_PX,
        y,
        text,
        size,
        weight,
        anchor: Anchor::Start,
        colour,
        upwards: false,
    };
    for (i, line) in broken(title).into_iter().enumerate() {
        let y = 210.0 + i as f64 * TITLE_PX * 1.3;
        scene.items.push(words(line, y, TITLE_PX, Weight::SemiBold, theme.text));
    }
    scene.items.push(words(what.into(), 500.0, TEXT_PX, Weight::Regular, theme.text_dim));
    scene.items.push(words("Spyhop".into(), 560.0, TEXT_PX, Weight::SemiBold, theme.annotation));
    to_small_png(&scene, 1.0)
}

/// Lines of about as many letters as fit side by side; a word that is longer is cut.
fn broken(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let word: String = word.chars().take(TITLE_LETTERS).collect();
        let is_full = lines.last().is_some_and(|line| {
            !line.is_empty() && line.chars().count() + 1 + word.chars().count() > TITLE_LETTERS
        });
        if is_full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    if lines.len() > TITLE_LINES {
        lines.truncate(TITLE_LINES);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_broken_between_words_and_cut_where_there_is_no_end_to_it() {
        assert_eq!(broken("Fin whales"), ["Fin whales"]);
        let lines = broken(&"whale ".repeat(60));
        assert_eq!(lines.len(), TITLE_LINES);
        assert!(lines[..3].iter().all(|line| line.len() <= TITLE_LETTERS));
        assert!(lines[3].ends_with('…'));
        assert_eq!(broken(&"x".repeat(500))[0].len(), TITLE_LETTERS);
        assert_eq!(broken(""), [""]);
    }

    #[test]
    fn a_card_has_the_size_of_a_preview() {
        let png = card("Title <script>", "of a file").expect("a PNG");
        // Width and height in the header of a PNG.
        assert_eq!(png[16..24], [0, 0, 4, 176, 0, 0, 2, 118]);
    }
}
