//! Answers, counted as they come.

use std::collections::HashMap;

use spyhop_api::room::{Answer, Question};

/// An answer and how many gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The answer as it is shown.
    pub text: String,
    /// How many gave it.
    pub count: u32,
}

/// The answers to a question: its choices in their order, or what was said in words, the commonest
/// first. Words are told apart without regard to case and to what surrounds them.
pub fn of_answers(question: &Question, answers: &[Answer]) -> Vec<Count> {
    let answers = answers.iter().filter(|answer| answer.question == question.id);
    if !question.choices.is_empty() {
        let mut counts = counted(question.choices.iter().map(|text| (text.clone(), 0)));
        for choice in answers.filter_map(|answer| answer.choice) {
            if let Some(count) = counts.get_mut(choice as usize) {
                count.count += 1;
            }
        }
        return counts;
    }
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut counts: Vec<Count> = Vec::new();
    for answer in answers {
        let text = answer.text.trim();
        if text.is_empty() {
            continue;
        }
        match at.get(&text.to_lowercase()).and_then(|at| counts.get_mut(*at)) {
            Some(count) => count.count += 1,
            None => {
                at.insert(text.to_lowercase(), counts.len());
                counts.push(Count { text: text.to_owned(), count: 1 });
            }
        }
    }
    counts.sort_by_key(|count| std::cmp::Reverse(count.count));
    counts
}

/// The answers that the leader has revealed, in the same form.
pub fn revealed(question: &Question) -> Option<Vec<Count>> {
    let tally = question.tally.as_ref()?;
    Some(if question.choices.is_empty() {
        counted(tally.by_text.iter().cloned())
    } else {
        let counts = tally.by_choice.iter().copied().chain(std::iter::repeat(0));
        counted(question.choices.iter().cloned().zip(counts))
    })
}

fn counted(pairs: impl Iterator<Item = (String, u32)>) -> Vec<Count> {
    pairs.map(|(text, count)| Count { text, count }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::room::Tally;

    fn said(text: &str) -> Answer {
        Answer { question: 1, text: text.into(), ..Answer::default() }
    }

    #[test]
    fn the_same_word_counts_once_however_it_is_written() {
        let question = Question { id: 1, ..Question::default() };
        let earlier = Answer { question: 0, ..said("whale") };
        let answers = [said("ship"), said("Whale"), said(" whale "), said(""), earlier];
        let counts = of_answers(&question, &answers);
        let counts: Vec<_> = counts.iter().map(|c| (c.text.as_str(), c.count)).collect();
        assert_eq!(counts, [("Whale", 2), ("ship", 1)]);
    }

    #[test]
    fn choices_keep_their_order_and_those_that_nobody_took() {
        let choices = vec!["whale".to_owned(), "ship".into(), "ice".into()];
        let mut question = Question { id: 1, choices, ..Question::default() };
        let chose = |choice| Answer { question: 1, choice: Some(choice), ..Answer::default() };
        let counts = of_answers(&question, &[chose(1), chose(1), chose(0), chose(9)]);
        let numbers: Vec<u32> = counts.iter().map(|count| count.count).collect();
        assert_eq!(numbers, [1, 2, 0]);
        assert_eq!(revealed(&question), None);
        question.tally = Some(Tally { answered: 3, by_choice: vec![1, 2], by_text: Vec::new() });
        assert_eq!(revealed(&question), Some(counts));
    }
}
