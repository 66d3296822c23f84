//! What is said where an address gives no bytes.

/// What stands behind a failed request; the browser does not say more.
pub const NO_ANSWER: &str = "there was no answer, or its server does not let pages of other sites \
    read it (CORS). Check the address and the network, or download the file and drop it here";

/// What an HTTP status means to a person.
pub fn status_message(status: u16) -> String {
    match status {
        200 => {
            "its server answers no ranges of a file any more: download it and drop it here".into()
        }
        401 | 403 => format!(
            "its server refuses to give it ({status}): it may need a login. Download it and drop it here"
        ),
        404 | 410 => format!("there is nothing at this address ({status}): check the address"),
        416 => format!("it is shorter than it was ({status}): open it again"),
        429 => {
            format!("its server asks for fewer requests ({status}): wait a minute and try again")
        }
        500..=599 => format!("its server failed ({status}): try again later"),
        _ => format!("its server answered {status} where 206 was expected: check the address"),
    }
}
