//! What is said where an address gives no bytes.

use spyhop_words::page::reading as words;

/// What stands behind a failed request; the browser does not say more.
pub use words::NO_ANSWER;

/// What an HTTP status means to a person.
pub fn status_message(status: u16) -> String {
    match status {
        200 => words::NO_RANGES.to_owned(),
        401 | 403 => words::refused(status),
        404 | 410 => words::nothing_there(status),
        416 => words::shorter(status),
        429 => words::too_many_requests(status),
        500..=599 => words::server_failed(status),
        _ => words::unexpected(status),
    }
}
