//! What can be wrong with a network, its files, or what it is given.

use spyhop_api::did_you_mean::question;

/// Why a network can't be loaded or used. Each message names the file.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The disk, or whatever holds the files, said no.
    #[error("{file} can't be read ({reason})")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        reason: String,
    },
    /// A file that every model folder has.
    #[error("{file} is missing: {hint}")]
    MissingFile {
        /// The file.
        file: String,
        /// What the folder should be.
        hint: String,
    },
    /// A file that is not what its name says.
    #[error("{file} can't be understood: {reason}")]
    Malformed {
        /// The file.
        file: String,
        /// Where and why.
        reason: String,
    },
    /// Another network.
    #[error(
        "{file} describes the architecture '{found}': Spyhop runs the Audio Spectrogram Transformer \
         (model_type '{expected}')"
    )]
    Architecture {
        /// The file.
        file: String,
        /// What it describes.
        found: String,
        /// What it would have to.
        expected: &'static str,
    },
    /// A key without which there is no network.
    #[error("{file} lacks the key '{key}'")]
    MissingKey {
        /// The file.
        file: String,
        /// The key.
        key: &'static str,
    },
    /// A value that can't be meant.
    #[error("{file} says {key} = {value}: {expected}")]
    Value {
        /// The file.
        file: String,
        /// The key.
        key: String,
        /// What stands there.
        value: String,
        /// What would do.
        expected: String,
    },
    /// A key that means nothing.
    #[error("{file}: the key '{key}' is unknown{}", question(*nearest))]
    UnknownKey {
        /// The file.
        file: String,
        /// The key as it stands there.
        key: String,
        /// The known key that is most like it, if any is.
        nearest: Option<&'static str>,
    },
    /// A tensor that the network needs.
    #[error("{file} lacks the tensor {tensor} of shape {expected:?}")]
    MissingTensor {
        /// The file.
        file: String,
        /// Its name.
        tensor: String,
        /// Its shape.
        expected: Vec<usize>,
    },
    /// A tensor of another shape than the configuration asks for.
    #[error("{file}: the tensor {tensor} has the shape {found:?}, where {expected:?} is expected")]
    Shape {
        /// The file.
        file: String,
        /// Its name.
        tensor: String,
        /// What the configuration asks for.
        expected: Vec<usize>,
        /// What is there.
        found: Vec<usize>,
    },
    /// A kind of number that is no weight's.
    #[error("{file}: the tensor {tensor} holds {found}, where F16, BF16, F32 or F64 is possible")]
    DType {
        /// The file.
        file: String,
        /// Its name.
        tensor: String,
        /// What it holds.
        found: String,
    },
    /// NaN or infinity among the weights.
    #[error(
        "{file}: the tensor {tensor} holds {count} values that are no finite numbers, the first at \
         index {first}: training went wrong, or the file is damaged"
    )]
    NotFinite {
        /// The file.
        file: String,
        /// Its name.
        tensor: String,
        /// How many.
        count: usize,
        /// The first, counted flat.
        first: usize,
    },
    /// Tensors that the network has no place for.
    #[error(
        "{file} holds {count} tensors that the network of config.json has no place for, such as \
         {}: is it the configuration of these weights?", examples.join(", ")
    )]
    LeftOver {
        /// The file.
        file: String,
        /// How many.
        count: usize,
        /// Up to three names.
        examples: Vec<String>,
    },
    /// Not one name a logit.
    #[error("{file} names {names} classes, and the network has {outputs} outputs")]
    ClassCount {
        /// The file.
        file: String,
        /// Names that it gives.
        names: usize,
        /// Logits that the network gives.
        outputs: usize,
    },
    /// An adapter that is not a LoRA, or one of its variants that is not known.
    #[error("{file}: {reason}")]
    Adapter {
        /// The file.
        file: String,
        /// What it is.
        reason: String,
    },
    /// Samples that fill no frame, or do not fit.
    #[error("window {index} has {samples} samples: give {least} to {most}")]
    WindowLength {
        /// Which of the windows.
        index: usize,
        /// How many it has.
        samples: usize,
        /// A frame's.
        least: usize,
        /// A window's.
        most: usize,
    },
    /// NaN or infinity among the samples.
    #[error("window {index} holds a sample that is no finite number, at {at}")]
    Samples {
        /// Which of the windows.
        index: usize,
        /// Which of its samples.
        at: usize,
    },
    /// A result that is none.
    #[error("window {index} gives a logit that is no finite number: the weights are out of range")]
    Logits {
        /// Which of the windows.
        index: usize,
    },
    /// A front end that can't be built.
    #[error("{file}: {source}")]
    FrontEnd {
        /// The file.
        file: String,
        /// Why.
        source: spyhop_signal::fbank::FbankError,
    },
    /// The arithmetic failed: out of memory, or no such device.
    #[error("the network could not be computed: {0}")]
    Compute(#[from] candle_core::Error),
}
