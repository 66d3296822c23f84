//! What leaders see of their class, and what everybody does of its answers: counted.

use std::collections::BTreeMap;
use std::time::Instant;

use spyhop_api::room::{Asked, ClassState, MemberRow, Question, Standing, Tally};

use super::member::Member;

/// Different answers in words that are shown to everybody.
const MOST_TEXTS: usize = 40;

/// Everybody but the leaders.
pub fn class(members: &BTreeMap<u32, Member>, now: Instant) -> ClassState {
    let mut class = ClassState::default();
    for member in members.values().filter(|member| !member.is_leader) {
        let standing = member.standing(now);
        match standing {
            Standing::Following => class.following += 1,
            Standing::Away => class.away += 1,
            Standing::Gone => class.gone += 1,
        }
        class.members.push(MemberRow { id: member.id, name: member.name.clone(), standing });
        class.answers.extend(member.answer.clone());
        class.results.extend((member.row.tries > 0).then(|| member.row.clone()));
    }
    class
}

/// Answers to a question, counted.
pub fn tally<'a>(question: &Question, members: impl Iterator<Item = &'a Member>) -> Tally {
    let mut tally = Tally { by_choice: vec![0; question.choices.len()], ..Tally::default() };
    let mut texts: BTreeMap<String, (String, u32)> = BTreeMap::new();
    for answer in members.filter_map(|member| member.answer.as_ref()) {
        tally.answered += 1;
        let chosen = answer.choice.and_then(|choice| usize::try_from(choice).ok());
        if let Some(count) = chosen.and_then(|choice| tally.by_choice.get_mut(choice)) {
            *count += 1;
        } else if !answer.text.is_empty() {
            let said = texts.entry(answer.text.to_lowercase());
            said.or_insert_with(|| (answer.text.clone(), 0)).1 += 1;
        }
    }
    tally.by_text = texts.into_values().collect();
    // The commonest first; as many times, by the alphabet.
    tally.by_text.sort_by_key(|said| std::cmp::Reverse(said.1));
    tally.by_text.truncate(MOST_TEXTS);
    tally
}

/// Members' questions whose votes are not as they were last told.
pub fn votes<'a>(asked: &[Asked], members: impl Iterator<Item = &'a Member>) -> Vec<(u32, u32)> {
    let mut counts: BTreeMap<u32, u32> = asked.iter().map(|asked| (asked.id, 0)).collect();
    for vote in members.flat_map(|member| &member.votes) {
        if let Some(count) = counts.get_mut(vote) {
            *count += 1;
        }
    }
    let told = |asked: &Asked| {
        let count = *counts.get(&asked.id)?;
        (count != asked.votes).then_some((asked.id, count))
    };
    asked.iter().filter_map(told).collect()
}
