//! The GPU of a worker, where there is one that may be used. What drives it is a part of the program, which
//! is fetched once the browser has named an adapter.

pub mod card;

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use spyhop_signal::Line;
use spyhop_signal::spectrum::{Columns, ColumnsSpec, ReadSamples};
use spyhop_workers::{Message, post};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::engine::wire::Answer;
use crate::parts;

/// What becomes of columns that were asked of a GPU.
pub enum Outcome {
    /// They are there; `None` where they were not wanted any more.
    Made(Option<Columns>),
    /// It can't do these.
    Refused,
    /// It failed, and is not to be asked again.
    Failed,
}

/// A GPU that transforms.
pub trait Card {
    /// What its driver or the browser calls it.
    fn name(&self) -> String;

    /// Computes columns; an error is one of reading samples.
    fn columns<'a>(
        &'a mut self,
        spec: &'a ColumnsSpec,
        line: &'a Line,
        read: &'a mut ReadSamples<'_>,
        cancelled: &'a mut dyn FnMut() -> bool,
    ) -> Pin<Box<dyn Future<Output = Result<Outcome, String>> + 'a>>;
}

/// A GPU that is being opened; `None` where none may be used.
pub type Opening = Pin<Box<dyn Future<Output = Option<Box<dyn Card>>>>>;

/// Transforms on the GPU for as long as it works.
#[derive(Default)]
pub struct Graphics {
    card: Rc<RefCell<Option<Box<dyn Card>>>>,
}

impl Graphics {
    /// Looks for a GPU. If a software adapter will do, jobs wait for it, so that all of them are done
    /// there; otherwise the CPU begins meanwhile.
    pub async fn open(&mut self, force: bool) {
        let home = self.card.clone();
        let opening = async move {
            // Without one the CPU computes, as it does until there is one.
            if is_offered(force).await.is_some()
                && let Some(card) = parts::card(force).await
            {
                let adapter = Some(card.name());
                home.replace(Some(card));
                post(&Message::new(&Answer::Gpu { adapter }));
            }
        };
        if force {
            opening.await;
        } else {
            wasm_bindgen_futures::spawn_local(opening);
        }
    }

    /// Whether there is one.
    pub fn is_open(&self) -> bool {
        self.card.borrow().is_some()
    }

    /// Columns, or `None` where the CPU has to compute them.
    ///
    /// # Errors
    /// When samples can't be read.
    pub async fn columns(
        &mut self,
        spec: &ColumnsSpec,
        line: &Line,
        read: &mut ReadSamples<'_>,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Option<Columns>>, String> {
        // Orders are carried out one after the other: nobody asks for it meanwhile.
        let Some(mut card) = self.card.take() else { return Ok(None) };
        let outcome = card.columns(spec, line, read, cancelled).await;
        if !matches!(outcome, Ok(Outcome::Failed)) {
            self.card.replace(Some(card));
        }
        Ok(match outcome? {
            Outcome::Made(columns) => Some(columns),
            Outcome::Refused => None,
            Outcome::Failed => {
                post(&Message::new(&Answer::Gpu { adapter: None }));
                None
            }
        })
    }
}

/// Whether the browser names an adapter; `None` where it doesn't. With `force` also one that it keeps for
/// those who ask for it.
async fn is_offered(force: bool) -> Option<()> {
    let of = |object: &JsValue, key: &str| {
        js_sys::Reflect::get(object, &key.into()).ok().filter(|value| !value.is_undefined())
    };
    let gpu = of(&of(&js_sys::global(), "navigator")?, "gpu")?;
    let request: js_sys::Function = of(&gpu, "requestAdapter")?.dyn_into().ok()?;
    let named = async |options: &JsValue| {
        let asked: js_sys::Promise = request.call1(&gpu, options).ok()?.dyn_into().ok()?;
        let adapter = JsFuture::from(asked).await.ok()?;
        (!adapter.is_null() && !adapter.is_undefined()).then_some(())
    };
    match named(&JsValue::UNDEFINED).await {
        None if force => {
            let options = js_sys::Object::new();
            let key = "forceFallbackAdapter".into();
            js_sys::Reflect::set(&options, &key, &true.into()).ok()?;
            named(&options).await
        }
        offered => offered,
    }
}
