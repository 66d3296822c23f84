//! What members say, and what it changes.

use std::sync::Arc;

use spyhop_api::room::{
    Answer, Area, Asked, Following, FromMember, MOST_CHOICES, MOST_MARKS, Question, RoomEvent,
    Spotlight, Task, TaskResult, ToMember,
};
use spyhop_api::{Mark, Shown};

use super::answers::Past;
use super::class::tally;
use super::room::Inner;
use super::tasks::Truth;
use super::{RoomError, wording};

/// Questions of members that are open at the same time: in all, and of one.
const MOST_ASKED: usize = 100;
const MOST_ASKED_BY_ONE: usize = 5;
/// Questions and tasks whose answers a room keeps.
const MOST_PAST: usize = 200;
/// How much must be common to a box by hand and a call: boxes by several people around the same whistle
/// have some 0.5 in common, around a short call less.
const USUAL_OVERLAP: f64 = 0.3;

/// Labels that must be known before something can be said.
#[derive(Clone, Debug, PartialEq)]
pub struct Looking {
    /// The view that they are in.
    pub view: String,
    /// The part of it; all that is seen where there is none.
    pub area: Option<Area>,
}

fn invalid<T>(why: &str) -> Result<T, RoomError> {
    Err(RoomError::Invalid(why.to_owned()))
}

impl Inner {
    /// Lets a member say something; `known` are the labels that it asks for ([`Looking`]).
    pub fn say(&mut self, id: u32, said: FromMember, known: &[Mark]) -> Result<(), RoomError> {
        let leads = self.members.get(&id).is_some_and(|member| member.is_leader);
        match said {
            FromMember::Show { shown } => self.show(id, leads, shown),
            FromMember::Point { following } => self.point(id, leads, following),
            FromMember::Away { on } => self.own(id, |member| member.is_away = on && !leads),
            FromMember::Name { name } => self.call(id, &name),
            FromMember::Answer { question, choice, text } => {
                self.answer(id, leads, question, choice, &text)
            }
            FromMember::Ask { text, area } => self.ask(id, &text, area),
            FromMember::Vote { asked, on } => self.vote(id, asked, on),
            FromMember::Boxes { .. } => invalid("boxes are scored elsewhere"),
            _ if !leads => Err(RoomError::NotLeading),
            FromMember::Spotlight { member } => self.spotlight(member),
            FromMember::Sounds { on } => {
                if self.log.state().sounds != on {
                    self.log.push(RoomEvent::Sounds { on });
                }
                Ok(())
            }
            FromMember::Pose { text, area, choices } => self.pose(&text, area, &choices),
            FromMember::RevealAnswers { on } => self.reveal_answers(on),
            FromMember::OpenQuestion { on } => self.open_question(on),
            FromMember::DropQuestion => self.drop_question(),
            FromMember::Dismiss { asked } => self.dismiss(asked),
            FromMember::RevealLabels { on, marks } => self.reveal_labels(on, &marks, known),
            FromMember::SetTask { text, label, area, least_overlap, shows_missed, calls } => {
                let task = Task {
                    id: 0,
                    text: wording::text(&text),
                    label: wording::text(&label),
                    area: wording::area(area)?,
                    calls: 0,
                    least_overlap: least_overlap.unwrap_or(USUAL_OVERLAP),
                    shows_missed,
                    solution: Vec::new(),
                };
                self.set_task(task, &calls, known)
            }
            FromMember::Solve => self.solve(),
            FromMember::DropTask => self.drop_task(),
            FromMember::End => {
                self.log.push(RoomEvent::Ended);
                Ok(())
            }
        }
    }

    /// Changes what is a member's own, and tells it.
    fn own(
        &mut self,
        id: u32,
        how: impl FnOnce(&mut super::member::Member),
    ) -> Result<(), RoomError> {
        let member = self.members.get_mut(&id).ok_or(RoomError::NoMember)?;
        how(member);
        member.tell();
        Ok(())
    }

    /// Who is followed: the spotlit member, else whoever leads.
    fn is_followed(&self, id: u32, leads: bool) -> bool {
        match &self.log.state().spotlight {
            Some(spotlight) => spotlight.member == id,
            None => leads,
        }
    }

    fn show(&mut self, id: u32, leads: bool, said: Shown) -> Result<(), RoomError> {
        let (shown, view) = wording::shown(said)?;
        let is_followed = self.is_followed(id, leads);
        let state = self.log.state();
        let spotlight = state.spotlight.as_ref().filter(|spotlight| spotlight.member == id);
        if !leads && spotlight.is_some() {
            // Nobody but the leader opens something else for everybody.
            let led = wording::view(&state.shown.view)?;
            if view.source != led.source {
                return invalid("as long as others follow, stay in what the leader has open");
            }
        }
        let following = Following { head: shown.head, pointer: shown.pointer };
        let steady = Shown { pointer: None, ..shown };
        let held = spotlight.map_or(&state.shown, |spotlight| &spotlight.shown);
        let is_new = (&held.view, held.is_playing) != (&steady.view, steady.is_playing);
        let event = match spotlight {
            Some(spotlight) if is_new => Some(RoomEvent::Spotlight {
                spotlight: Some(Spotlight { shown: steady.clone(), ..spotlight.clone() }),
            }),
            None if leads && is_new => Some(RoomEvent::Shown { shown: steady.clone() }),
            _ => None,
        };
        if let Some(event) = event {
            self.log.push(event);
        }
        if let Some(member) = self.members.get_mut(&id) {
            member.shown = Some(steady);
        }
        if is_followed {
            self.follow.set(&ToMember::Follow { following });
        }
        Ok(())
    }

    fn point(&mut self, id: u32, leads: bool, following: Following) -> Result<(), RoomError> {
        if self.is_followed(id, leads) {
            let pointer = following.pointer.filter(|p| p.hz.is_none_or(f64::is_finite));
            let following = Following { pointer, ..following };
            self.follow.set(&ToMember::Follow { following });
        }
        Ok(())
    }

    fn call(&mut self, id: u32, name: &str) -> Result<(), RoomError> {
        let name = wording::name(name);
        if let Some(spotlight) = &self.log.state().spotlight
            && spotlight.member == id
        {
            let spotlight = Spotlight { name: name.clone(), ..spotlight.clone() };
            self.log.push(RoomEvent::Spotlight { spotlight: Some(spotlight) });
        }
        self.own(id, |member| member.name = name)
    }

    fn answer(
        &mut self,
        id: u32,
        leads: bool,
        question: u32,
        choice: Option<u32>,
        text: &str,
    ) -> Result<(), RoomError> {
        let text = wording::text(text);
        let Some(open) = self.log.state().question.as_ref().filter(|held| held.id == question)
        else {
            return invalid("this question is over");
        };
        if !open.is_open {
            return invalid("no more answers are taken");
        }
        if leads {
            return invalid("whoever leads does not answer");
        }
        let choices = open.choices.len();
        let chosen = choice.and_then(|choice| usize::try_from(choice).ok());
        let is_answer = match chosen {
            Some(choice) => choice < choices,
            None => choices == 0 && !text.is_empty(),
        };
        if !is_answer {
            return invalid("choose one of the answers, or say a few words where there are none");
        }
        let text = if choice.is_some() { String::new() } else { text };
        self.tally_is_stale = true;
        self.own(id, |member| member.answer = Some(Answer { question, member: id, choice, text }))
    }

    fn ask(&mut self, id: u32, text: &str, area: Option<Area>) -> Result<(), RoomError> {
        let text = wording::text(text);
        if text.is_empty() {
            return invalid("say what you want to know");
        }
        let asked = &self.log.state().asked;
        let own = asked.iter().filter(|asked| asked.member == id).count();
        if own >= MOST_ASKED_BY_ONE || asked.len() >= MOST_ASKED {
            return invalid("so many questions are open already: wait until some are answered");
        }
        let area = area.map(wording::area).transpose()?;
        let name = self.members.get(&id).map(|member| member.name.clone()).unwrap_or_default();
        let asked = Asked { id: self.number(), member: id, name, text, area, votes: 0 };
        self.log.push(RoomEvent::Asked { asked });
        Ok(())
    }

    fn vote(&mut self, id: u32, asked: u32, on: bool) -> Result<(), RoomError> {
        let Some(held) = self.log.state().asked.iter().find(|held| held.id == asked) else {
            return invalid("this question is done with");
        };
        if held.member == id {
            return invalid("this question is your own");
        }
        self.votes_are_stale = true;
        self.own(id, |member| {
            if on {
                member.votes.insert(asked);
            } else {
                member.votes.remove(&asked);
            }
        })
    }

    fn dismiss(&mut self, asked: u32) -> Result<(), RoomError> {
        self.log.push(RoomEvent::Dismissed { asked });
        for member in self.members.values_mut() {
            if member.votes.remove(&asked) {
                member.tell();
            }
        }
        Ok(())
    }

    fn spotlight(&mut self, member: Option<u32>) -> Result<(), RoomError> {
        let spotlight = match member.map(|id| (id, self.members.get(&id))) {
            None => None,
            Some((_, None)) => return invalid("there is no such member"),
            Some((id, Some(member))) => {
                let led = &self.log.state().shown;
                let is_same = |own: &&Shown| {
                    let source = |query: &str| wording::view(query).map(|view| view.source);
                    source(&own.view) == source(&led.view)
                };
                // Of somebody who has something else open, the leader's view is shown until they come.
                let shown = member.shown.as_ref().filter(is_same).unwrap_or(led).clone();
                Some(Spotlight { member: id, name: member.name.clone(), shown })
            }
        };
        self.log.push(RoomEvent::Spotlight { spotlight });
        self.follow.set(&ToMember::Follow { following: Following::default() });
        Ok(())
    }

    fn pose(
        &mut self,
        text: &str,
        area: Option<Area>,
        choices: &[String],
    ) -> Result<(), RoomError> {
        let choices: Vec<String> =
            choices.iter().map(|choice| wording::text(choice)).filter(|c| !c.is_empty()).collect();
        if choices.len() > MOST_CHOICES {
            return invalid("a question has twelve choices at most");
        }
        let text = wording::text(text);
        let area = area.map(wording::area).transpose()?;
        if text.is_empty() && area.is_none() {
            return invalid("a question has a text, or a box that it is about");
        }
        self.drop_question()?;
        let id = self.number();
        let question = Question { id, text, area, choices, is_open: true, tally: None };
        self.log.push(RoomEvent::Question { question: Some(question) });
        Ok(())
    }

    /// The question that is there.
    fn question(&self) -> Result<Question, RoomError> {
        match &self.log.state().question {
            Some(question) => Ok(question.clone()),
            None => invalid("nothing is asked"),
        }
    }

    fn reveal_answers(&mut self, on: bool) -> Result<(), RoomError> {
        let question = self.question()?;
        let tally = on.then(|| tally(&question, self.members.values()));
        self.log.push(RoomEvent::Question { question: Some(Question { tally, ..question }) });
        Ok(())
    }

    fn open_question(&mut self, on: bool) -> Result<(), RoomError> {
        let question = Question { is_open: on, ..self.question()? };
        self.log.push(RoomEvent::Question { question: Some(question) });
        Ok(())
    }

    fn drop_question(&mut self) -> Result<(), RoomError> {
        let Some(question) = self.log.state().question.clone() else { return Ok(()) };
        let past = Past::of_question(&question, self.members.values());
        self.keep(past)?;
        self.log.push(RoomEvent::Question { question: None });
        self.members.values_mut().for_each(super::member::Member::begin_question);
        Ok(())
    }

    fn reveal_labels(&mut self, on: bool, own: &[Mark], known: &[Mark]) -> Result<(), RoomError> {
        let marks = if own.is_empty() { known.to_vec() } else { wording::marks(own) };
        if on && marks.is_empty() {
            return invalid("nothing in this view is labelled");
        }
        if on && marks.len() > MOST_MARKS {
            return invalid(
                "there are more labels in this view than can be shown: show less of it",
            );
        }
        let marks = if on { marks } else { Vec::new() };
        self.log.push(RoomEvent::Revealed { marks });
        Ok(())
    }

    fn set_task(&mut self, task: Task, own: &[Mark], known: &[Mark]) -> Result<(), RoomError> {
        if !(0.01..=1.0).contains(&task.least_overlap) {
            return invalid("the least overlap lies between 0.01 and 1");
        }
        let own = wording::marks(own);
        let marks = if own.is_empty() { known } else { &own };
        // Before the one that is there is given up: it may be that nothing is known here.
        let id = self.last_number + 1;
        let (task, truth) = Truth::new(Task { id, ..task }, marks)?;
        self.drop_task()?;
        self.last_number = id;
        self.truth = Some(Arc::new(truth));
        self.log.push(RoomEvent::Task { task: Some(task) });
        Ok(())
    }

    fn solve(&mut self) -> Result<(), RoomError> {
        let (Some(task), Some(truth)) = (self.log.state().task.clone(), &self.truth) else {
            return invalid("there is no task");
        };
        let solution = truth.calls().to_vec();
        self.log.push(RoomEvent::Task { task: Some(Task { solution, ..task }) });
        Ok(())
    }

    fn drop_task(&mut self) -> Result<(), RoomError> {
        let Some(task) = self.log.state().task.clone() else { return Ok(()) };
        let past = Past::of_task(&task, self.members.values());
        self.keep(past)?;
        self.truth = None;
        self.log.push(RoomEvent::Task { task: None });
        self.members.values_mut().for_each(super::member::Member::begin_task);
        Ok(())
    }

    /// Keeps what was said to what is over, for the table of answers.
    fn keep(&mut self, past: Past) -> Result<(), RoomError> {
        if past.is_empty() {
            return Ok(());
        }
        if self.past.len() >= MOST_PAST {
            return invalid(
                "this class keeps the answers of 200 questions: fetch them, and begin a new one",
            );
        }
        self.past.push(past);
        Ok(())
    }

    /// How a member's try at a task went.
    pub fn tried(&mut self, id: u32, mut result: TaskResult) -> Result<(), RoomError> {
        if self.log.state().task.as_ref().is_none_or(|task| task.id != result.task) {
            return invalid("this task is over");
        }
        self.own(id, |member| {
            let row = &mut member.row;
            row.tries = row.tries.saturating_add(1);
            result.try_number = row.tries;
            row.right = result.right;
            row.missed = result.missed;
            row.wrong = u32::try_from(result.boxes.len()).unwrap_or(u32::MAX) - result.right;
            row.is_mastered |= result.is_mastered;
            member.result = Some(result);
        })
    }

    fn number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }
}
