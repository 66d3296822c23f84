//! Keys of the reference experiment's configuration that have no use here, each with what stands in for it.

use serde_norway::Value;

use super::ConfigError;

const PICTURES: &str =
    "no pictures are drawn: model.front_end says how samples become what the network sees";

const DROPPED: &[(&str, &str)] = &[
    ("preprocess.processed_output_dir", "windows are kept in the table preprocess.windows_path"),
    ("preprocess.identifier_tag", "windows name their recording"),
    ("preprocess.window", "the window is Hann's; model.front_end.frame_samples is its length"),
    ("preprocess.nperseg", "model.front_end.frame_samples is the length of a frame"),
    ("preprocess.noverlap", "model.front_end.hop_samples is what lies between frames"),
    ("preprocess.ylim", "model.front_end.low_hz and high_hz are the band"),
    ("preprocess.figsize", PICTURES),
    ("preprocess.dpi", PICTURES),
    ("preprocess.shading", PICTURES),
    ("data_loader.entry_function", "data_loader itself says how batches are made"),
    ("data_loader.config", "write its keys directly under data_loader"),
    ("data_loader.hdf5_file", "windows are kept in the table preprocess.windows_path"),
    ("data_loader.label_mapping", "it stands under preprocess"),
    ("data_loader.transform", "data_loader.augment says what is done to windows"),
    ("model.entry_function", "there is one network, the Audio Spectrogram Transformer"),
    ("model.config", "write its keys directly under model"),
    ("model.AST_kwargs.label_dim", "there are as many as data_loader.include_classes"),
    ("model.AST_kwargs.fstride", "it is called frequency_stride"),
    ("model.AST_kwargs.tstride", "it is called time_stride"),
    ("model.AST_kwargs.input_fdim", "model.front_end.mels is the picture's height"),
    ("model.AST_kwargs.input_tdim", "model.front_end.frames is the picture's length"),
    ("model.AST_kwargs.imagenet_pretrain", "model.base names the network to go on from"),
    ("model.AST_kwargs.audioset_pretrain", "model.base names the network to go on from"),
    ("model.AST_kwargs.model_size", "the other keys of model.AST_kwargs are the size"),
    ("model_trainer.entry_function", "model_trainer.train says what is trained"),
    ("model_trainer.config", "write its keys directly under model_trainer"),
];

/// # Errors
/// When a file says something that had a meaning in the reference experiment alone.
pub fn refuse(given: &Value) -> Result<(), ConfigError> {
    for (path, instead) in DROPPED {
        let found = path.split('.').try_fold(given, |value, key| value.get(key));
        if found.is_some() {
            return Err(ConfigError::Dropped { path, instead });
        }
    }
    Ok(())
}
