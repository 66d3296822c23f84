//! `/t/ID`: the page behind a story's link, and the pictures of its steps.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use spyhop_api::{SharedData, Step, Story, View};

use super::error::ApiError;
use super::marks::Drawn;
use super::share_pages::{bare_page, missing};
use super::stories::find;
use super::unfurl::{Placed, Unfurled, escaped, framing, in_head, unfurled};
use super::{Served, blocking, viewing, web_app};
use crate::catalogue::access::Reader;
use crate::catalogue::now;

/// The routes.
pub fn routes() -> Router<Arc<Served>> {
    Router::new().route("/t/{id}", get(page)).route("/t/{id}/{picture}", get(picture))
}

/// A story's page for a disk: the app's, with all the story's words for whoever has no script. Nothing names
/// its place.
pub fn offline_story(index: &str, story: &Story) -> String {
    let said = Unfurled { url: String::new(), image: String::new(), ..said_of(story, "") };
    let without_script = format!("<noscript>{}</noscript>", words(story, None));
    let placed = Placed { without_script: &without_script, ..Placed::default() };
    unfurled(index, &said, placed).replacen("<base href=\"./\">", "", 1)
}

async fn page(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let story = match find(&served, id, reader).await {
        Ok(story) => story,
        Err(error) => return missing(&error),
    };
    let base = served.address.base(&headers, &served.guard);
    let pictures = format!("{}/", story.path);
    let page = match web_app::index() {
        Some(index) => {
            let placed = Placed {
                base: Some("../"),
                query: Some(&format!("story={}", story.id)),
                without_script: &format!("<noscript>{}</noscript>", words(&story, Some(&pictures))),
            };
            unfurled(&index, &said_of(&story, &base), placed)
        }
        // Such a page has no base: addresses count from its own.
        None => {
            let words = words(&story, Some(&format!("{}/", story.id)));
            bare_page(&in_head(&said_of(&story, &base)), &words)
        }
    };
    let framing = [framing(query.as_deref().unwrap_or_default())];
    ([(header::CACHE_CONTROL, "no-cache")], framing, Html(page)).into_response()
}

/// `preview.png`, the first step's picture, or `N.png`, that of a step, counted from 1.
async fn picture(
    State(served): State<Arc<Served>>,
    reader: Reader,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let nothing = || ApiError::not_found("a story's pictures are preview.png, 1.png, 2.png, …");
    let story = find(&served, id, reader).await?;
    let number = match name.strip_suffix(".png") {
        Some("preview") => story.steps.iter().position(is_shown).ok_or_else(nothing)?,
        Some(number) => {
            let number = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            number.ok_or_else(nothing)?
        }
        None => return Err(nothing()),
    };
    let step = story.steps.get(number).filter(|step| is_shown(step)).ok_or_else(nothing)?;
    let png: Bytes = if story.listed {
        let (view, _) = View::from_query(&step.view);
        viewing::picture(&served, reader, view, &step.title, Drawn::Hidden).await?
    } else {
        let served = served.clone();
        let kept = blocking(move || served.stories.preview(&story.id, number, now())).await?;
        kept.map_err(|e| ApiError::not_found(e.to_string()))?.into()
    };
    let headers =
        [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=300")];
    Ok((headers, png).into_response())
}

/// Whether the reader of an answer sees the step: one that they may not see is empty.
fn is_shown(step: &Step) -> bool {
    !step.view.is_empty()
}

/// Title, description and what the picture is, in words.
fn said_of(story: &Story, base: &str) -> Unfurled {
    let first = story.steps.iter().find(|step| is_shown(step));
    let note = match (story.note.as_str(), first) {
        ("", Some(step)) => crate::stories::markdown::to_plain(&step.text),
        (note, _) => note.to_owned(),
    };
    let note: String = note.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut description: String = note.chars().take(280).collect();
    if description.len() < note.len() {
        description.push('…');
    }
    if !story.author.is_empty() {
        description =
            format!("{description} – {}", story.author).trim_start_matches(" – ").to_owned();
    }
    if description.is_empty() {
        description = "See and hear it in the browser.".to_owned();
    }
    let of_step = first.map(|step| step.title.as_str()).filter(|title| !title.is_empty());
    Unfurled {
        title: story.title.clone(),
        description,
        url: format!("{base}{}", story.path),
        image: format!("{base}{}/preview.png", story.path),
        image_alt: format!("Spectrogram: {}", of_step.unwrap_or(&story.title)),
    }
}

/// The whole story as HTML: it can be read without a script.
fn words(story: &Story, pictures: Option<&str>) -> String {
    let mut html = format!(
        "<article lang=\"{}\">\n<h1>{}</h1>\n",
        escaped(&story.language),
        escaped(&story.title)
    );
    for paragraph in story.note.split("\n\n").filter(|text| !text.is_empty()) {
        html += &format!("<p>{}</p>\n", escaped(paragraph).replace('\n', "<br>"));
    }
    if !story.author.is_empty() {
        html += &format!("<p>Told by {}</p>\n", escaped(&story.author));
    }
    for (number, step) in story.steps.iter().enumerate().filter(|(_, step)| is_shown(step)) {
        let title = match step.title.as_str() {
            "" => format!("Step {}", number + 1),
            title => title.to_owned(),
        };
        let title = escaped(&title);
        html += &format!("<section>\n<h2>{title}</h2>\n");
        if let Some(pictures) = pictures {
            html += &format!(
                "<p><img src=\"{}{}.png\" alt=\"Spectrogram: {title}\" width=\"1200\" \
                 height=\"630\" loading=\"lazy\"></p>\n",
                escaped(pictures),
                number + 1
            );
        }
        if step.data == SharedData::Gone {
            html += "<p class=\"why\">The recordings of this step are not on this server any \
                     more.</p>\n";
        }
        html += &step.text_html;
        if let Some(question) = &step.question {
            html += &format!("<p><strong>{}</strong></p>\n<ul>\n", escaped(&question.text));
            for answer in &question.answers {
                html += &format!("<li>{}</li>\n", escaped(answer));
            }
            let right = question.answers.get(question.right as usize);
            html += &format!(
                "</ul>\n<details><summary>The answer</summary>\n<p>{}</p>\n{}</details>\n",
                escaped(right.map(String::as_str).unwrap_or_default()),
                question.why_html
            );
        }
        html += "</section>\n";
    }
    html + "</article>\n"
}
