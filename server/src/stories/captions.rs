//! A story's captions as WebVTT: what its steps say and what is heard in them, on the story's own time line.

use spyhop_api::Story;
use spyhop_api::story::StepSound;
use spyhop_signal::transcript::{TranscriptLine, vtt};

use super::markdown::to_plain;

/// The longest cue, letters: two lines of subtitles and a half.
const CUE_LETTERS: usize = 110;
/// Of the time of a step, so much is for its words where a question follows them.
const BEFORE_QUESTION: f64 = 0.7;

/// WebVTT. A step begins where the one before it ends ([`spyhop_api::Step::stays_s`]); its words share its
/// time by their length, and a sound is named in brackets while it is heard.
pub fn captions(story: &Story) -> String {
    let mut lines: Vec<TranscriptLine> = Vec::new();
    let mut begins_s = 0.0;
    for step in &story.steps {
        let stays_s = step.stays_s();
        let end_s = begins_s + stays_s;
        let mut words = step.title.clone();
        if !words.is_empty() && !words.ends_with(['.', '?', '!']) {
            words.push('.');
        }
        words = format!("{words} {}", to_plain(&step.text));
        let told_s = if step.question.is_some() { BEFORE_QUESTION * stays_s } else { stays_s };
        lines.extend(shared_out(&pieces(&words), begins_s, begins_s + told_s));
        if let Some(question) = &step.question {
            let asked = format!("{} {}", question.text, question.answers.join(" · "));
            lines.extend(shared_out(&[asked], begins_s + told_s, end_s));
        }
        if step.sound == StepSound::Plays {
            for said in &step.says {
                let Some((from_s, to_s)) = step.heard_at_s(said) else { continue };
                if from_s < stays_s {
                    let label = format!("[{}]", said.text);
                    lines.push(line(begins_s + from_s, (begins_s + to_s).min(end_s), label));
                }
            }
        }
        begins_s = end_s;
    }
    lines.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    vtt(&lines)
}

fn line(start_s: f64, end_s: f64, label: String) -> TranscriptLine {
    TranscriptLine { start_s, end_s, label, count: 1 }
}

/// Pieces of a text one after the other in a span of time, each as long as its share of the letters.
fn shared_out(pieces: &[String], start_s: f64, end_s: f64) -> Vec<TranscriptLine> {
    let letters = |piece: &String| piece.chars().count().max(1) as f64;
    let all: f64 = pieces.iter().map(letters).sum();
    let mut at_s = start_s;
    let mut lines = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let to_s = at_s + (end_s - start_s) * letters(piece) / all;
        lines.push(line(at_s, to_s, piece.clone()));
        at_s = to_s;
    }
    lines
}

/// A text in pieces that can be read at a glance: whole sentences where they are short enough, else as many
/// words as fit.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut piece = String::new();
    for word in text.split_whitespace() {
        let length = piece.chars().count();
        let ends = piece.ends_with(['.', '?', '!']) && length > CUE_LETTERS / 2;
        if length > 0 && (ends || length + 1 + word.chars().count() > CUE_LETTERS) {
            pieces.push(std::mem::take(&mut piece));
        }
        if !piece.is_empty() {
            piece.push(' ');
        }
        piece.push_str(word);
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use spyhop_api::{Question, Said, Step};

    use super::super::tests::story_of;
    use super::*;

    #[test]
    fn what_steps_say_and_what_is_heard_stand_on_one_time_line() {
        let first = Step {
            title: "Listen".into(),
            text: "A *whistle* <b>is</b> a name.".into(),
            view: "v=1&src=set:gulf&t=3s&span=2&rate=0.5".into(),
            seconds: Some(8.0),
            sound: StepSound::Plays,
            says: vec![Said { at_s: 0.5, lasts_s: 1.0, text: "whistle & click".into() }],
            ..Step::default()
        };
        let second = Step {
            text: "And now?".into(),
            question: Some(Question {
                text: "What was it?".into(),
                answers: vec!["a dolphin".into(), "a ship".into()],
                ..Question::default()
            }),
            seconds: Some(10.0),
            ..Step::default()
        };
        let story = story_of(vec![first, second]);
        let expected = "WEBVTT\n\n00:00:00.000 --> 00:00:08.000\nListen. A whistle is a name.\n\n\
                        00:00:01.000 --> 00:00:03.000\n[whistle &amp; click]\n\n\
                        00:00:08.000 --> 00:00:15.000\nAnd now?\n\n\
                        00:00:15.000 --> 00:00:18.000\nWhat was it? a dolphin · a ship\n";
        assert_eq!(captions(&story), expected);
    }

    #[test]
    fn a_long_text_is_cut_between_sentences_and_words() {
        let text =
            "One sentence that is long enough to fill a good half of what fits into it. Another. "
                .repeat(4);
        let cut = pieces(&text);
        assert!(cut.len() > 3 && cut.iter().all(|p| p.chars().count() <= CUE_LETTERS), "{cut:?}");
        assert_eq!(cut.join(" "), text.trim_end());
        assert!(cut[0].ends_with("into it."), "{cut:?}");
        assert_eq!(pieces(" "), Vec::<String>::new());
    }
}
