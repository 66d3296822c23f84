//! Progress bars of what takes long.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error, where a person looks on; `doing` is what is done, as `decoding`.
pub fn bar(total: u64, doing: &str) -> ProgressBar {
    let template = format!("{doing} {{bar:30}} {{percent}} %  {{eta}} left");
    let style = ProgressStyle::with_template(&template);
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
