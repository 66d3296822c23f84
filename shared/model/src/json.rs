//! The JSON files of a model folder, key by key, with messages that name file and key.

use serde_json::{Map, Value};

use crate::{ModelError, ModelFiles};

/// One JSON object of a model folder.
pub(crate) struct JsonFile {
    /// Its name in messages.
    pub(crate) path: String,
    keys: Map<String, Value>,
}

impl JsonFile {
    /// Reads one; `None` where there is no such file.
    pub(crate) fn read(files: &dyn ModelFiles, name: &str) -> Result<Option<JsonFile>, ModelError> {
        let Some(bytes) = files.read(name)? else { return Ok(None) };
        let path = files.path(name);
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(keys)) => Ok(Some(JsonFile { path, keys })),
            Ok(_) => {
                Err(ModelError::Malformed { file: path, reason: "it is no JSON object".into() })
            }
            Err(e) => Err(ModelError::Malformed { file: path, reason: e.to_string() }),
        }
    }

    /// A key's value; `null` counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.keys.get(key).filter(|value| !value.is_null())
    }

    /// A count that must be there, 1 to `most`.
    pub(crate) fn count(&self, key: &'static str, most: usize) -> Result<usize, ModelError> {
        let value =
            self.get(key).ok_or_else(|| ModelError::MissingKey { file: self.path.clone(), key })?;
        let count = value.as_u64().and_then(|n| usize::try_from(n).ok());
        count
            .filter(|n| (1..=most).contains(n))
            .ok_or_else(|| self.refuse(key, &format!("a whole number of 1 to {most} is expected")))
    }

    /// A number, or what it is where the key is absent.
    pub(crate) fn number(&self, key: &str, absent: f64) -> Result<f64, ModelError> {
        match self.get(key) {
            None => Ok(absent),
            Some(value) => value
                .as_f64()
                .filter(|x| x.is_finite())
                .ok_or_else(|| self.refuse(key, "a number is expected")),
        }
    }

    /// A yes or no, or what it is where the key is absent.
    pub(crate) fn flag(&self, key: &str, absent: bool) -> Result<bool, ModelError> {
        match self.get(key) {
            None => Ok(absent),
            Some(value) => {
                value.as_bool().ok_or_else(|| self.refuse(key, "true or false is expected"))
            }
        }
    }

    /// A word, or what it is where the key is absent.
    pub(crate) fn word<'a>(&'a self, key: &str, absent: &'a str) -> Result<&'a str, ModelError> {
        match self.get(key) {
            None => Ok(absent),
            Some(value) => value.as_str().ok_or_else(|| self.refuse(key, "text is expected")),
        }
    }

    /// Why a key's value won't do.
    pub(crate) fn refuse(&self, key: &str, expected: &str) -> ModelError {
        let value = self.get(key).map(ToString::to_string).unwrap_or_default();
        ModelError::Value {
            file: self.path.clone(),
            key: key.to_owned(),
            value: value.chars().take(80).collect(),
            expected: expected.to_owned(),
        }
    }
}
