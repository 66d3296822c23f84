//! Sentences of the table of texts with more than text in them: a name in bold, a command to be typed.

use leptos::prelude::*;

/// What stands in a sentence for the first piece, the second and so on: private characters, which no text has.
pub const PIECES: [char; 3] = ['\u{e000}', '\u{e001}', '\u{e002}'];

/// The sentence with `pieces` where it has their characters, in the order in which its language has them.
pub fn with_pieces(sentence: &str, pieces: Vec<AnyView>) -> impl IntoView + use<> {
    let mut pieces: Vec<Option<AnyView>> = pieces.into_iter().map(Some).collect();
    let parts = parts(sentence).into_iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.to_owned().into_any()),
        Part::Piece(which) => pieces.get_mut(which).and_then(Option::take),
    });
    parts.collect::<Vec<_>>()
}

/// A part of a sentence.
#[derive(Debug, PartialEq)]
enum Part<'a> {
    Text(&'a str),
    /// The piece with this number.
    Piece(usize),
}

fn parts(sentence: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for (at, letter) in sentence.char_indices() {
        let Some(which) = PIECES.iter().position(|piece| *piece == letter) else { continue };
        if at > begin {
            parts.push(Part::Text(&sentence[begin..at]));
        }
        parts.push(Part::Piece(which));
        begin = at + letter.len_utf8();
    }
    if begin < sentence.len() {
        parts.push(Part::Text(&sentence[begin..]));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_stand_where_the_sentence_has_them() {
        let [first, second, _] = PIECES;
        let told = format!("Of {second} and {first}.");
        let parts = parts(&told);
        let expected = [
            Part::Text("Of "),
            Part::Piece(1),
            Part::Text(" and "),
            Part::Piece(0),
            Part::Text("."),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_sentence_without_pieces_is_one_text() {
        assert_eq!(parts("Loading…"), [Part::Text("Loading…")]);
        assert_eq!(parts(""), []);
    }
}
