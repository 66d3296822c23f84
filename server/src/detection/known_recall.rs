//! Recall by tables, kept until something that it is made of changes: it is asked for after every verdict,
//! which has no say in it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use spyhop_api::recall::TruthRecall;

/// The recall of runs, by their numbers.
#[derive(Default)]
pub struct KnownRecalls(Mutex<HashMap<i64, (MadeOf, Option<TruthRecall>)>>);

/// What the recall of a run is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeOf {
    /// The version of the list of recordings.
    pub version: String,
    /// Of the tables beside them.
    pub stamps: Vec<Option<(u64, SystemTime)>>,
    /// Counts the changes of candidates in the store.
    pub generation: u64,
}

impl KnownRecalls {
    /// What is known of a run, or what `told` says of it now. `made_of` is read before that: what changes
    /// meanwhile is seen the next time.
    ///
    /// # Errors
    /// Those of `told`.
    pub fn of<E>(
        &self,
        run: i64,
        made_of: MadeOf,
        told: impl FnOnce() -> Result<Option<TruthRecall>, E>,
    ) -> Result<Option<TruthRecall>, E> {
        if let Some((before, recall)) = self.all().get(&run)
            && *before == made_of
        {
            return Ok(recall.clone());
        }
        let recall = told()?;
        self.all().insert(run, (made_of, recall.clone()));
        Ok(recall)
    }

    /// Nothing is kept of a run any more.
    pub fn forget(&self, run: i64) {
        self.all().remove(&run);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<i64, (MadeOf, Option<TruthRecall>)>> {
        // An entry goes in whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
