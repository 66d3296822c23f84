//! What a command answers on standard output.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// Writes a text and ends its line.
///
/// # Errors
/// When it can't be written; see [`has_had_enough`].
pub fn say(text: impl Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Whether an error is only that the reader of standard output (`| head`) needs no more of it.
pub fn has_had_enough(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}
