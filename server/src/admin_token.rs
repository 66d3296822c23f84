//! Tokens that a state folder keeps: the administrator's, which a request from another machine shows to change
//! something here, and the one for reading, which is asked for where reading is closed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Its file in the state folder, readable by the person who runs the server alone.
const FILE_NAME: &str = "administrator-token";
/// The same for the one for reading.
const READING_NAME: &str = "read-token";
/// 128 bits of chance, in hexadecimal digits.
const TOKEN_BYTES: usize = 16;
/// Longer files hold something else.
const MOST_BYTES: u64 = 4096;

/// A token of a state folder.
pub struct StateToken {
    /// The token.
    pub text: String,
    /// The file that it stands in.
    pub path: PathBuf,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[error("a token can't be kept ({error}): {}", path.display())]
pub struct TokenError {
    error: io::Error,
    path: PathBuf,
}

impl StateToken {
    /// Reads the token of a state folder, and makes one where there is none.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn of_state(folder: &Path) -> Result<StateToken, TokenError> {
        StateToken::at(folder.join(FILE_NAME))
    }

    /// The token for reading; whoever wants another one writes it into its file.
    ///
    /// # Errors
    /// As [`StateToken::of_state`].
    pub fn for_reading(folder: &Path) -> Result<StateToken, TokenError> {
        StateToken::at(folder.join(READING_NAME))
    }

    fn at(path: PathBuf) -> Result<StateToken, TokenError> {
        let fail = |error| TokenError { error, path: path.clone() };
        match File::open(&path) {
            Ok(file) => {
                let mut text = String::new();
                file.take(MOST_BYTES).read_to_string(&mut text).map_err(fail)?;
                let text = text.trim().to_owned();
                if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    let why = "a token is letters, digits and marks in one line, without blanks";
                    return Err(fail(io::Error::other(why)));
                }
                if !text.is_empty() {
                    return Ok(StateToken { text, path });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fail(error)),
        }
        let mut chance = [0; TOKEN_BYTES];
        getrandom::fill(&mut chance).map_err(|e| fail(io::Error::other(e)))?;
        let text: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(fail)?;
        writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(fail)?;
        Ok(StateToken { text, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_folder_keeps_its_token_to_its_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = StateToken::of_state(folder.path()).expect("made");
        assert_eq!(made.text.len(), 2 * TOKEN_BYTES);
        let again = StateToken::of_state(folder.path()).expect("read");
        assert_eq!(again.text, made.text);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&made.path).expect("a file").permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
    }
}
