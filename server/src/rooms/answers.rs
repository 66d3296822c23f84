//! The answers of a class as a table, for a teacher who wants to keep them: members by number, no names.

use spyhop_api::room::{Answer, Question, Task, TaskRow};

use super::member::Member;
use super::room::Inner;

const HEADER: &str = "kind,number,text,member,answer,tries,right,wrong,missed,mastered\n";

/// A question or task that is over.
pub struct Past {
    number: u32,
    text: String,
    choices: Vec<String>,
    answers: Vec<Answer>,
    tries: Vec<TaskRow>,
}

impl Past {
    /// A question with what was answered.
    pub fn of_question<'a>(question: &Question, members: impl Iterator<Item = &'a Member>) -> Past {
        Past {
            number: question.id,
            text: question.text.clone(),
            choices: question.choices.clone(),
            answers: members.filter_map(|member| member.answer.clone()).collect(),
            tries: Vec::new(),
        }
    }

    /// A task with how each stood.
    pub fn of_task<'a>(task: &Task, members: impl Iterator<Item = &'a Member>) -> Past {
        let rows = members.map(|member| &member.row).filter(|row| row.tries > 0);
        let text = if task.text.is_empty() { &task.label } else { &task.text };
        Past {
            number: task.id,
            text: text.clone(),
            choices: Vec::new(),
            answers: Vec::new(),
            tries: rows.cloned().collect(),
        }
    }

    /// Nobody said anything.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.tries.is_empty()
    }

    fn write(&self, out: &mut String) {
        let begin = |kind: &str| format!("{kind},{},{}", self.number, cell(&self.text));
        for answer in &self.answers {
            let chosen = answer.choice.and_then(|choice| usize::try_from(choice).ok());
            let said = chosen.and_then(|choice| self.choices.get(choice)).unwrap_or(&answer.text);
            let row = format!("{},{},{},,,,,\n", begin("question"), answer.member, cell(said));
            out.push_str(&row);
        }
        for row in &self.tries {
            let TaskRow { member, tries, right, wrong, missed, is_mastered } = row;
            out.push_str(&format!(
                "{},{member},,{tries},{right},{wrong},{missed},{is_mastered}\n",
                begin("task")
            ));
        }
    }
}

/// The whole table, with what is still open.
pub fn table(inner: &Inner) -> String {
    let mut out = HEADER.to_owned();
    inner.past.iter().for_each(|past| past.write(&mut out));
    let state = inner.log.state();
    if let Some(question) = &state.question {
        Past::of_question(question, inner.members.values()).write(&mut out);
    }
    if let Some(task) = &state.task {
        Past::of_task(task, inner.members.values()).write(&mut out);
    }
    for asked in &state.asked {
        let (id, member) = (asked.id, asked.member);
        out.push_str(&format!("asked,{id},{},{member},,,,,,\n", cell(&asked.text)));
    }
    out
}

/// A cell in quotes, as RFC 4180 has it. A spreadsheet takes what begins like a formula for one, also within
/// quotes, so that an apostrophe goes before it, which spreadsheets take for "this is text".
fn cell(text: &str) -> String {
    let begins_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '|', '%']);
    let mark = if begins_formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_ends_where_it_ends() {
        assert_eq!(cell("a fin whale"), "\"a fin whale\"");
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        for begin in ["+1", "-1", "@SUM(A1)", "|cmd"] {
            assert!(cell(begin).starts_with("\"'"), "{begin}");
        }
    }
}
