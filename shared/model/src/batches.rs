//! Windows that go through a network batch by batch, one of which is looked at while the next is made: a GPU would
//! stand still meanwhile.

use crate::{Begun, Classifier, ModelError};

/// Windows with their logits.
pub type Looked<W> = Vec<(W, Vec<f32>)>;

/// Windows of which logits are wanted, whatever else is known of them.
pub struct Batches<W> {
    samples: fn(&W) -> &[f32],
    /// Too few yet.
    waiting: Vec<W>,
    looked_at: Option<(Vec<W>, Begun)>,
}

impl<W> Batches<W> {
    /// None yet; `samples` gives those of a window.
    pub fn new(samples: fn(&W) -> &[f32]) -> Batches<W> {
        Batches { samples, waiting: Vec::new(), looked_at: None }
    }

    /// Where more windows are put.
    pub fn waiting(&mut self) -> &mut Vec<W> {
        &mut self.waiting
    }

    /// The next windows with their logits, in the order in which they came; none as long as more have to come first.
    /// At the end all are given.
    ///
    /// # Errors
    /// As [`Classifier::logits`].
    pub fn next(
        &mut self,
        classifier: &Classifier,
        is_end: bool,
    ) -> Result<Option<Looked<W>>, ModelError> {
        let most = classifier.batch_windows();
        let mut before = None;
        while before.is_none()
            && (self.waiting.len() >= most || (is_end && !self.waiting.is_empty()))
        {
            let count = self.waiting.len().min(most);
            let batch: Vec<W> = self.waiting.drain(..count).collect();
            let samples: Vec<&[f32]> = batch.iter().map(self.samples).collect();
            let begun = classifier.begin(&samples)?;
            before = self.looked_at.replace((batch, begun));
        }
        if before.is_none() && is_end {
            before = self.looked_at.take();
        }
        let Some((windows, begun)) = before else { return Ok(None) };
        Ok(Some(windows.into_iter().zip(begun.finish()?).collect()))
    }
}
