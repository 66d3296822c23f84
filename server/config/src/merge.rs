//! What a file says, laid over what is usual.

use serde_norway::{Mapping, Value};
use spyhop_api::did_you_mean::nearest;

use super::ConfigError;
use super::detection::ClassSettings;

/// What stands under a name of a person's own, where keys are such names.
fn template(path: &str) -> Result<Option<Value>, ConfigError> {
    Ok(match path {
        "detection.model.classes" => Some(serde_norway::to_value(ClassSettings::default())?),
        "preprocess.label_mapping" => Some(Value::String(String::new())),
        "model_trainer.class_weights" => Some(Value::from(1.0)),
        "model.thresholds" => Some(Value::from(0.5)),
        _ => None,
    })
}

/// `usual` with everything that `given` says otherwise. `path` is what both stand under.
///
/// # Errors
/// When `given` has a key that `usual` has not, or a value of another kind.
pub fn merged(usual: &Value, given: &Value, path: &str) -> Result<Value, ConfigError> {
    let kind = |expected| {
        Err(ConfigError::Kind { path: path.to_owned(), found: in_words(given), expected })
    };
    match (usual, given) {
        (Value::Mapping(_), Value::Mapping(given)) if template(path)?.is_some() => {
            named(given, path)
        }
        // Any key with any values: what they are is told when they are laid over the rest.
        (Value::Mapping(_), Value::Mapping(_)) if path == "tune.keys" => Ok(given.clone()),
        (Value::Mapping(usual), Value::Mapping(given)) => keys(usual, given, path),
        (Value::Mapping(_), _) => kind("keys are"),
        // What is usually left open may be given as a number.
        (Value::Null | Value::Number(_), Value::Number(_)) => Ok(given.clone()),
        (Value::Null, Value::Null) => Ok(Value::Null),
        (Value::Null | Value::Number(_), _) => kind("a number is"),
        (Value::Sequence(usual), Value::Sequence(given)) => {
            // An empty list holds names.
            let name = Value::String(String::new());
            let first = usual.first().unwrap_or(&name);
            let items: Result<Vec<Value>, _> =
                given.iter().map(|item| merged(first, item, path)).collect();
            Ok(Value::Sequence(items?))
        }
        (Value::Sequence(_), _) => kind("a list is"),
        (Value::Bool(_), Value::Bool(_)) | (Value::String(_), Value::String(_)) => {
            Ok(given.clone())
        }
        (Value::Bool(_), _) => kind("true or false is"),
        _ => kind("a text is"),
    }
}

fn keys(usual: &Mapping, given: &Mapping, path: &str) -> Result<Value, ConfigError> {
    let mut whole = usual.clone();
    for (key, value) in given {
        let name = key.as_str().map_or_else(|| in_words(key), str::to_owned);
        let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let Some(known) = usual.get(key) else {
            let known = usual.keys().filter_map(Value::as_str);
            let nearest = nearest(&name, known).map(str::to_owned);
            return Err(ConfigError::UnknownKey { path: below, nearest });
        };
        whole.insert(key.clone(), merged(known, value, &below)?);
    }
    Ok(Value::Mapping(whole))
}

/// Keys of a person's own, each with what the template knows.
fn named(given: &Mapping, path: &str) -> Result<Value, ConfigError> {
    let template = template(path)?.unwrap_or_default();
    let mut whole = Mapping::new();
    for (key, value) in given {
        let below = format!("{path}.{}", key.as_str().map_or_else(|| in_words(key), str::to_owned));
        whole.insert(key.clone(), merged(&template, value, &below)?);
    }
    Ok(Value::Mapping(whole))
}

/// A value for a sentence.
fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(text) => format!("'{text}'"),
        Value::Sequence(_) => "a list".into(),
        Value::Mapping(_) => "a group of keys".into(),
        Value::Tagged(tagged) => format!("'{}'", tagged.tag),
    }
}
