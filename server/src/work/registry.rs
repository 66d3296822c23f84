//! Which function makes a unit of a kind, and what it may ask while it does.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::unit::UnitError;

type Make = dyn Fn(&Value, &UnitContext) -> Result<Value, UnitError> + Send + Sync;
type OutputOf = dyn Fn(&str) -> Option<Value> + Send + Sync;
type IsThere = dyn Fn(&Value) -> bool + Send + Sync;

/// The functions that make units, by kind.
#[derive(Clone, Default)]
pub struct Registry {
    makers: HashMap<String, Maker>,
}

#[derive(Clone)]
struct Maker {
    make: Arc<Make>,
    is_there: Option<Arc<IsThere>>,
}

impl Registry {
    /// `make` turns a payload into outputs. It writes its files under other names and renames them
    /// when they are whole; what it returns (their names, small numbers) goes into the ledger.
    pub fn add<P, O>(
        &mut self,
        kind: &str,
        make: impl Fn(P, &UnitContext) -> Result<O, UnitError> + Send + Sync + 'static,
    ) where
        P: DeserializeOwned,
        O: Serialize,
    {
        let make = move |payload: &Value, context: &UnitContext| {
            let payload = P::deserialize(payload).map_err(|error| {
                UnitError::lasting(format!("another version of Spyhop planned this ({error})"))
            })?;
            let outputs = make(payload, context)?;
            serde_json::to_value(outputs).map_err(|error| {
                UnitError::lasting(format!("what was made can't be noted down ({error})"))
            })
        };
        self.makers.insert(kind.to_owned(), Maker { make: Arc::new(make), is_there: None });
    }

    /// `is_there` tells whether the outputs of a finished unit still are where they were put. It is
    /// asked when a job is submitted: what somebody deleted is made again.
    pub fn check<O: DeserializeOwned>(
        &mut self,
        kind: &str,
        is_there: impl Fn(O) -> bool + Send + Sync + 'static,
    ) {
        let is_there = move |outputs: &Value| O::deserialize(outputs).is_ok_and(&is_there);
        if let Some(maker) = self.makers.get_mut(kind) {
            maker.is_there = Some(Arc::new(is_there));
        }
    }

    /// Whether anything is asked of the outputs of this kind.
    pub(super) fn is_checked(&self, kind: &str) -> bool {
        self.makers.get(kind).is_some_and(|maker| maker.is_there.is_some())
    }

    /// Whether these outputs are to be believed.
    pub(super) fn is_there(&self, kind: &str, outputs: &Value) -> bool {
        let check = self.makers.get(kind).and_then(|maker| maker.is_there.as_ref());
        check.is_none_or(|is_there| is_there(outputs))
    }

    /// Makes a unit. A panic of its function is an error that names what it said.
    pub(super) fn make(
        &self,
        kind: &str,
        payload: &Value,
        context: &UnitContext,
    ) -> Result<Value, UnitError> {
        let Some(maker) = self.makers.get(kind) else {
            return Err(UnitError::lasting(format!(
                "this version of Spyhop makes nothing of the kind '{kind}'"
            )));
        };
        catch_unwind(AssertUnwindSafe(|| (maker.make)(payload, context))).unwrap_or_else(|panic| {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("without a word");
            Err(UnitError::lasting(format!("a fault of Spyhop, please report it: {said}")))
        })
    }
}

/// What a unit may ask and tell while it runs.
pub struct UnitContext {
    pub(super) stop: Arc<AtomicBool>,
    pub(super) fraction: Arc<AtomicU32>,
    pub(super) output_of: Box<OutputOf>,
}

impl UnitContext {
    /// Whether it is to stop: its job was cancelled, or the program ends. A unit of more than a
    /// second asks now and then, and returns [`UnitError::stopped`].
    pub fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The same as an error to pass on with `?`.
    ///
    /// # Errors
    /// When it is to stop.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "units of many steps come with the detectors")
    )]
    pub fn go_on(&self) -> Result<(), UnitError> {
        if self.cancelled() { Err(UnitError::stopped()) } else { Ok(()) }
    }

    /// How much of it is done, 0 to 1. Costs nothing; a short unit needn't.
    pub fn progress(&self, fraction: f64) {
        self.fraction.store((fraction.clamp(0.0, 1.0) as f32).to_bits(), Ordering::Relaxed);
    }

    /// What a finished unit gave, by its key: for units that run after others.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "units made of others' outputs come with the detectors")
    )]
    pub fn output_of(&self, key: &str) -> Option<Value> {
        (self.output_of)(key)
    }
}
