//! The heat strip on the page: pointing at an hour tells of it, a press opens it.

use leptos::prelude::*;
use spyhop_api::view::View;
use spyhop_api::{Deployment, Moment};
use spyhop_words::pages::strip as words;
use web_sys::wasm_bindgen::JsCast;

use super::answers::ask_for;
use super::strip::{HOURS, Hour, Strip};
use crate::open;
use crate::server::catalogue;
use crate::session::use_session;

/// A day is at most this wide, px.
const MOST_DAY_PX: usize = 26;

/// The strip of a deployment, asked for by itself.
#[component]
pub fn StripView(deployment: Deployment) -> impl IntoView {
    let id = deployment.id.clone();
    let asked = ask_for(
        || (),
        move |()| {
            let id = id.clone();
            async move { catalogue::coverage(&id).await }
        },
    );
    move || {
        if let Some(why) = asked.failure.get() {
            return Some(view! { <p class="dim">{why}</p> }.into_any());
        }
        let strip = asked.answer.with(|a| a.as_ref().and_then(Strip::of))?;
        Some(view! { <Drawn strip deployment=deployment.clone()/> }.into_any())
    }
}

#[component]
fn Drawn(strip: Strip, deployment: Deployment) -> impl IntoView {
    let session = use_session();
    let summary = strip.summary();
    let pointed = RwSignal::new(None::<String>);
    let said = {
        let summary = summary.clone();
        move || pointed.get().unwrap_or_else(|| summary.clone())
    };
    let dates = strip.dates().into_iter().map(|(at, date)| {
        view! { <span style:left=format!("{:.2}%", 100.0 * at)>{date}</span> }
    });
    let shades = strip.paths().into_iter().enumerate();
    let shades = shades.map(|(shade, d)| view! { <path data-shade=shade.to_string() d=d/> });
    let (dates, shades) = (dates.collect_view(), shades.collect_view());
    let columns = strip.columns();
    let strip = StoredValue::new(strip);
    let hour = move |ev: &web_sys::PointerEvent| strip.with_value(|strip| hour_at(strip, ev));
    let open_hour = move |ev: web_sys::PointerEvent| {
        let Some(hour) = hour(&ev).filter(|hour| hour.has_sound) else { return };
        let best = open::best_view(&deployment);
        let (start, span_ns) = (Some(Moment::Clock(hour.start)), Some(hour.span_ns));
        open::view(session, View { start, span_ns, selection: None, ..best });
    };
    view! {
        <figure class="strip">
            <div class="strip-hours" aria-hidden="true"><span>{words::MIDNIGHT}</span><span>{words::NOON}</span><span>{words::NEXT_MIDNIGHT}</span></div>
            <div class="strip-days" style:max-width=format!("{}px", columns * MOST_DAY_PX)>
                <svg role="img" aria-label=summary preserveAspectRatio="none"
                    viewBox=format!("0 0 {columns} {HOURS}")
                    on:pointermove=move |ev| pointed.set(hour(&ev).map(|h| told(&h, &ev)))
                    on:pointerleave=move |_| pointed.set(None)
                    on:click=move |ev: web_sys::MouseEvent| {
                        // Chromium and Firefox send pointer events as clicks.
                        if let Ok(ev) = ev.dyn_into() { open_hour(ev) }
                    }
                >{shades}</svg>
                <div class="strip-dates" aria-hidden="true">{dates}</div>
            </div>
            <figcaption class="dim">{said}</figcaption>
        </figure>
    }
}

fn told(hour: &Hour, ev: &web_sys::PointerEvent) -> String {
    // A finger that touches opens at once: no second word for it.
    if hour.has_sound && ev.pointer_type() == "mouse" {
        words::click_to_open(&hour.said)
    } else {
        hour.said.clone()
    }
}

fn hour_at(strip: &Strip, ev: &web_sys::PointerEvent) -> Option<Hour> {
    let shown: web_sys::Element = ev.current_target()?.dyn_into().ok()?;
    let place = shown.get_bounding_client_rect();
    let x = (f64::from(ev.client_x()) - place.left()) / place.width().max(1.0);
    let y = (f64::from(ev.client_y()) - place.top()) / place.height().max(1.0);
    // Negative numbers become 0.
    Some(strip.hour((x * strip.columns() as f64) as usize, (y * HOURS as f64) as usize))
}
