//! Waiting for the network from threads that do nothing else.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use super::PlaceError;

/// Threads that drive requests; what waits for them waits on threads of its own.
const THREADS: usize = 2;

/// Runs `work` on the places' own runtime and waits for what it gives. Works on any thread, those of
/// another runtime among them.
///
/// # Errors
/// When the system gives no thread, or `work` panicked.
pub fn wait<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, PlaceError> {
    let (answer, waiting) = std::sync::mpsc::sync_channel(1);
    runtime()?.spawn(async move {
        // Nobody waits any more: nothing to tell.
        let _ = answer.send(work.await);
    });
    waiting.recv().map_err(|_| PlaceError::Runtime("a request was lost; try again".into()))
}

/// Pieces that arrive one after another while this thread does something with them.
pub struct Pieces<T>(mpsc::Receiver<T>);

impl<T: Send + 'static> Pieces<T> {
    /// `work` sends to the channel it is given.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn of<F: Future<Output = ()> + Send + 'static>(
        work: impl FnOnce(mpsc::Sender<T>) -> F,
    ) -> Result<Pieces<T>, PlaceError> {
        let (sender, receiver) = mpsc::channel(4);
        runtime()?.spawn(work(sender));
        Ok(Pieces(receiver))
    }

    /// The next piece; `None` after the last. Not to be called on a thread of a runtime.
    pub fn recv(&mut self) -> Option<T> {
        self.0.blocking_recv()
    }
}

fn runtime() -> Result<&'static Runtime, PlaceError> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("place")
            .enable_all()
            .build()
            .map_err(|e| e.to_string())
    });
    made.as_ref().map_err(|reason| PlaceError::Runtime(reason.clone()))
}
