//! A configuration as a table of two columns.

use std::collections::BTreeMap;

use serde_norway::Value;

use super::ConfigError;

/// Every value of a configuration by its key with all that it stands under, as `model_trainer.lr`. Keys need
/// not be known, so that a file of any version can be shown.
///
/// # Errors
/// When the text is no YAML.
pub fn flat(yaml: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut flat = BTreeMap::new();
    put(&mut flat, "", &serde_norway::from_str(yaml)?);
    Ok(flat)
}

fn put(into: &mut BTreeMap<String, String>, path: &str, value: &Value) {
    match value {
        Value::Mapping(keys) if !keys.is_empty() => {
            for (key, value) in keys {
                let key = word(key);
                let below = if path.is_empty() { key } else { format!("{path}.{key}") };
                put(into, &below, value);
            }
        }
        other => {
            into.insert(path.to_owned(), word(other));
        }
    }
}

/// A value as it is written in a line.
pub(crate) fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Sequence(items) => {
            format!("[{}]", items.iter().map(word).collect::<Vec<_>>().join(", "))
        }
        Value::Mapping(keys) => {
            let pair = |(key, value)| format!("{}: {}", word(key), word(value));
            format!("{{{}}}", keys.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Value::Tagged(tagged) => word(&tagged.value),
    }
}

#[cfg(test)]
mod tests {
    use super::flat;

    #[test]
    fn each_value_stands_by_its_whole_key() {
        let flat = flat("a: {b: 0.5, c: [x, y], d: {}}\ne: hush\nf:").expect("YAML");
        let rows: Vec<(&str, &str)> =
            flat.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            rows,
            [("a.b", "0.5"), ("a.c", "[x, y]"), ("a.d", "{}"), ("e", "hush"), ("f", "")]
        );
    }
}
