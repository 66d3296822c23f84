//! Names of tensors: two schemes are in the wild, and the newer one is used inside.

use std::borrow::Cow;

/// What stands before everything but the head.
pub const PREFIX: &str = "audio_spectrogram_transformer.";

/// How older files name the parts of a layer, and how newer ones do.
const PARTS: &[(&str, &str)] = &[
    ("attention.attention.query", "attention.q_proj"),
    ("attention.attention.key", "attention.k_proj"),
    ("attention.attention.value", "attention.v_proj"),
    ("attention.output.dense", "attention.o_proj"),
    ("intermediate.dense", "mlp.fc1"),
    ("output.dense", "mlp.fc2"),
];

/// Where layers stand in either scheme.
const OLDER_LAYERS: &str = "encoder.layer.";
const NEWER_LAYERS: &str = "layers.";

/// A tensor's or module's name in the newer scheme: `….encoder.layer.3.output.dense.bias` is
/// `….layers.3.mlp.fc2.bias`. Any other name stays as it is.
pub fn newer(name: &str) -> Cow<'_, str> {
    renamed(name, [OLDER_LAYERS, NEWER_LAYERS], PARTS.iter().copied())
}

/// A tensor's or module's name in the older scheme.
pub fn older(name: &str) -> Cow<'_, str> {
    renamed(name, [NEWER_LAYERS, OLDER_LAYERS], PARTS.iter().map(|(old, new)| (*new, *old)))
}

fn renamed<'a>(
    name: &'a str,
    [from, to]: [&str; 2],
    mut parts: impl Iterator<Item = (&'static str, &'static str)>,
) -> Cow<'a, str> {
    let in_layer = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(from));
    let Some((layer, part)) = in_layer.and_then(|rest| rest.split_once('.')) else {
        return Cow::Borrowed(name);
    };
    let new_part = parts.find_map(|(before, after)| {
        let rest = part.strip_prefix(before)?;
        (rest.is_empty() || rest.starts_with('.')).then(|| format!("{after}{rest}"))
    });
    Cow::Owned(format!("{PREFIX}{to}{layer}.{}", new_part.as_deref().unwrap_or(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_schemes_lead_to_each_other() {
        for (old, new) in [
            (
                "encoder.layer.0.attention.attention.query.weight",
                "layers.0.attention.q_proj.weight",
            ),
            ("encoder.layer.11.attention.attention.key.bias", "layers.11.attention.k_proj.bias"),
            ("encoder.layer.2.attention.attention.value", "layers.2.attention.v_proj"),
            ("encoder.layer.2.attention.output.dense.bias", "layers.2.attention.o_proj.bias"),
            ("encoder.layer.2.intermediate.dense.bias", "layers.2.mlp.fc1.bias"),
            ("encoder.layer.2.output.dense.weight", "layers.2.mlp.fc2.weight"),
            ("encoder.layer.2.layernorm_after.weight", "layers.2.layernorm_after.weight"),
        ] {
            let (old, new) = (format!("{PREFIX}{old}"), format!("{PREFIX}{new}"));
            assert_eq!(newer(&old), new);
            assert_eq!(older(&new), old);
            assert_eq!(newer(&new), new);
        }
        for name in ["classifier.dense.weight", "audio_spectrogram_transformer.layernorm.weight"] {
            assert_eq!(newer(name), name);
            assert_eq!(older(name), name);
        }
    }
}
