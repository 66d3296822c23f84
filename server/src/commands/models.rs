//! `spyhop models`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use spyhop_api::{Metric, ModelClass};
use spyhop_model::{
    Adapter, Classifier, ModelError, ModelFiles, ModelFolder, OpenOptions, check_adapter,
};

use crate::models::{self, Model, adapters_of};
use crate::{answer, data_folder};

/// Classes that are printed of each model.
const MOST_CLASSES: usize = 12;

/// List the models that find calls, and check each one.
///
/// A model is a folder as save_pretrained of Hugging Face's transformers writes it, of an Audio
/// Spectrogram Transformer, with a spyhop-model.toml beside the weights where its maker wrote one.
#[derive(clap::Args)]
#[command(after_help = "\
Each model is loaded whole: all tensors must be there, in the shapes that config.json asks for, and \
finite. Without a place they are those of the folder 'models' in the user's data folder, and those \
that come with the program. LoRA adapters that lie in the same folders stand beside the models that \
they can be laid over, and are checked, too.

Exit codes:
  0  all models and adapters are sound
  1  at least one is not, or there is none
  2  the command was not understood

Examples:
  spyhop models
  spyhop models ~/models/upcalls --json
  spyhop models ~/models/base --adapter ~/models/upcalls-lora")]
pub struct Args {
    /// Model folders, folders of them, or names of those in the user's models folder
    #[arg(value_name = "DIR")]
    places: Vec<PathBuf>,
    /// A LoRA adapter, as PEFT saves it, to be laid over each of them
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Print JSON: an array with an object for each model (one that is not sound has `path` and
    /// `error`)
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let adapter = args.adapter.map(|p| models::named(&p)).transpose()?.map(ModelFolder);
    let mut failed = false;
    let mut asked = Vec::new();
    // Those of the user go with whatever model, wherever that lies.
    let mut adapters = data_folder::models_folder().map_or_else(Vec::new, |own| adapters_of(&own));
    if args.places.is_empty() {
        asked.extend(models::all().into_iter().map(|(_, model)| model));
    }
    for place in &args.places {
        match Model::named(place)? {
            Model::Folder(ModelFolder(place)) => {
                let folders = models::folders_of(&place)?;
                adapters.extend(adapters_of(&place));
                if folders.is_empty() {
                    failed = true;
                    eprintln!(
                        "spyhop: no model lies in {}: a model is a folder with config.json and \
                         model.safetensors",
                        place.display()
                    );
                }
                asked.extend(folders.into_iter().map(|folder| Model::Folder(ModelFolder(folder))));
            }
            carried => asked.push(carried),
        }
    }
    adapters.sort();
    adapters.dedup();
    let (adapters, broken) = sound(adapters);
    for error in &broken {
        failed = true;
        eprintln!("spyhop: {error}");
    }
    let mut objects = Vec::new();
    for files in &asked {
        let fitting = || match adapter {
            None => names_of_fitting(files, &adapters),
            Some(_) => Vec::new(),
        };
        match opened(files, adapter.as_ref()) {
            Ok(model) if args.json => objects.push(as_json(files, &model, &fitting())),
            Ok(model) => answer::say(in_words(files, &model, &fitting()).trim_end())?,
            Err(error) => {
                failed = true;
                eprintln!("spyhop: {error}");
                objects.push(json!({ "path": files.place(), "error": error.to_string() }));
            }
        }
    }
    if args.json {
        answer::say(serde_json::to_string_pretty(&objects)?)?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn opened(files: &Model, adapter: Option<&ModelFolder>) -> Result<Classifier, ModelError> {
    let options = OpenOptions {
        adapter: adapter.map(|files| files as &dyn ModelFiles),
        keep_adapter_apart: false,
        placement: None,
    };
    Classifier::open_with(files, &options)
}

/// The adapters that can be read, and what is wrong with the others.
fn sound(folders: Vec<PathBuf>) -> (Vec<ModelFolder>, Vec<ModelError>) {
    let mut broken = Vec::new();
    let mut is_sound = |folder: &ModelFolder| match Adapter::read(folder) {
        Ok(_) => true,
        Err(error) => {
            broken.push(error);
            false
        }
    };
    let all = folders.into_iter().map(ModelFolder);
    let sound = all.filter(|folder| is_sound(folder)).collect();
    (sound, broken)
}

/// Those of some adapters that can be laid over a network.
fn names_of_fitting(files: &Model, adapters: &[ModelFolder]) -> Vec<String> {
    let fitting = adapters.iter().filter(|adapter| check_adapter(files, *adapter).is_ok());
    fitting.map(|adapter| Model::Folder(adapter.clone()).name()).collect()
}

fn as_json(files: &Model, model: &Classifier, adapters: &[String]) -> Value {
    json!({
        "adapters": adapters,
        "path": files.place(),
        "card": model.card(),
        "window": model.window(),
        "parameters": model.parameters(),
        "fingerprint": model.fingerprint(),
    })
}

/// For a person.
fn in_words(files: &Model, model: &Classifier, adapters: &[String]) -> String {
    let (card, plan) = (model.card(), model.window());
    let mut text = format!("{}\n", files.place());
    let mut row = |label: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("  {label:<12}{value}\n");
        }
    };
    let version = match card.version.as_str() {
        "" => String::new(),
        version => format!(", version {version}"),
    };
    row("name", &format!("{}{version}", card.name));
    row("", &card.description);
    let (low_hz, high_hz) = card.band_hz;
    row("listens", &format!("{low_hz} to {high_hz} Hz, at {} samples a second", plan.rate_hz));
    let window_s = plan.window_samples as f64 / plan.rate_hz;
    let hop_s = plan.hop_samples as f64 / plan.rate_hz;
    row("windows", &format!("{window_s:.3} s, one every {hop_s:.3} s"));
    for (i, class) in card.classes.iter().take(MOST_CLASSES).enumerate() {
        row(if i == 0 { "classes" } else { "" }, &class_in_words(class));
    }
    if card.classes.len() > MOST_CLASSES {
        row("", &format!("… and {} more", card.classes.len() - MOST_CLASSES));
    }
    row("network", &format!("{:.2} million parameters", model.parameters() as f64 / 1e6));
    row("adapters", &adapters.join(", "));
    row("trained on", &card.training_data);
    for (name, metric) in &card.metrics {
        match metric {
            Metric::Number(value) => row("metric", &format!("{name}: {value}")),
            Metric::Text(text) => row("metric", &format!("{name}: {text}")),
        }
    }
    row("licence", &card.licence);
    row("cite", &card.citation);
    row("fingerprint", model.fingerprint());
    text
}

fn class_in_words(class: &ModelClass) -> String {
    let (low_hz, high_hz) = class.band_hz;
    match class.is_call {
        true => {
            format!("{}: {low_hz} to {high_hz} Hz, from a score of {}", class.name, class.threshold)
        }
        false => format!("{}: no call", class.name),
    }
}
