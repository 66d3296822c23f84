//! Settings on the command line: `section.key=value`.

use serde_norway::{Mapping, Value};

use super::ConfigError;

/// Lays one setting over what a file says. The value is YAML: a number, a word, `[a, b]`.
///
/// # Errors
/// When it is no key with a value, or stands under a key that holds a value itself.
pub fn lay(given: &mut Value, setting: &str) -> Result<(), ConfigError> {
    let refuse = || ConfigError::Setting(setting.to_owned());
    let (path, value) = setting.split_once('=').ok_or_else(refuse)?;
    let value: Value = serde_norway::from_str(value)?;
    let mut at = given;
    for key in path.split('.') {
        if key.is_empty() {
            return Err(refuse());
        }
        if at.is_null() {
            *at = Value::Mapping(Mapping::new());
        }
        let keys = at.as_mapping_mut().ok_or_else(refuse)?;
        at = keys.entry(key.into()).or_insert(Value::Null);
    }
    *at = value;
    Ok(())
}
