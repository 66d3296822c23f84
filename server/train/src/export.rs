//! What a run leaves: a model folder, and an adapter's.

use spyhop_api::ModelCard;
use spyhop_config::{LoraBias, Trained, Training};
use spyhop_model::AstConfig;
use spyhop_model::save::{AdapterPlan, adapter_files, model_files};

use crate::parameters::{Store, targets};
use crate::{RunFolder, TrainError, whole};

/// Writes the network, and where low-rank paths were trained the adapter by itself.
///
/// # Errors
/// When the disk says no.
pub fn write(
    folder: &RunFolder,
    said: &Training,
    config: &AstConfig,
    card: &ModelCard,
    store: &Store,
) -> Result<(), TrainError> {
    let files = model_files(config, card, &store.merged()?)?;
    whole::put_all("the network", &folder.model(), &files)?;
    if said.model_trainer.train != Trained::Lora {
        return Ok(());
    }
    let lora = &said.model_trainer.lora;
    let bias = match lora.bias {
        LoraBias::None => "none",
        LoraBias::All => "all",
        LoraBias::LoraOnly => "lora_only",
    };
    let plan = AdapterPlan {
        base: said.model.base.clone(),
        rank: lora.r,
        alpha: lora.lora_alpha,
        dropout: lora.lora_dropout,
        targets: targets(&said.model_trainer),
        modules_to_save: lora.modules_to_save.clone(),
        bias: bias.to_owned(),
    };
    let files = adapter_files(&plan, card, &store.low_rank(), &store.whole())?;
    whole::put_all("the adapter", &folder.adapter(), &files)
}
