//! What settings of training are where nobody says otherwise; `defaults.yaml` explains them, and a test holds
//! both together.

use std::collections::BTreeMap;

use super::{
    AstSize, Augment, Balance, DataLoader, Decay, EarlyStopping, FrontEndSettings, General, Labels,
    Lora, LoraBias, Loss, Metric, ModelShape, ModelTrainer, Optimizer, PositiveStart, Precision,
    Preprocess, SplitBy, Trained,
};

impl Default for General {
    fn default() -> General {
        General {
            config_version: crate::VERSION,
            experiment_name: "spyhop".into(),
            run_name: String::new(),
            output_dir: "runs".into(),
            mlflow_server_uri: String::new(),
        }
    }
}

impl Default for Preprocess {
    fn default() -> Preprocess {
        Preprocess {
            windows_path: "windows.parquet".into(),
            wav_dir: String::new(),
            labels: Labels::Tables,
            detection_log_path: String::new(),
            species: vec!["RIWH".into()],
            label_mapping: BTreeMap::new(),
            negative_class: "none".into(),
            window_s: 3.0,
            hop_s: 3.0,
            positive_start: PositiveStart::Centred,
            channel: 0,
        }
    }
}

impl Default for DataLoader {
    fn default() -> DataLoader {
        DataLoader {
            include_classes: Vec::new(),
            split_by: SplitBy::Recording,
            train_ratio: 0.7,
            val_ratio: 0.15,
            test_ratio: 0.15,
            folds: 0,
            fold: 0,
            train_share: 1.0,
            batch_size: 32,
            random_seed: 42,
            balance: Balance::Replacement,
            epoch_windows: 0,
            workers: 2,
            prefetch_batches: 4,
            augment: Augment {
                time_shift_s: 0.25,
                gain_db: 6.0,
                noise_share: 0.25,
                noise_db: 0.0,
                time_masks: 1,
                time_mask_frames: 8,
                frequency_masks: 1,
                frequency_mask_mels: 6,
            },
        }
    }
}

impl Default for ModelShape {
    fn default() -> ModelShape {
        ModelShape {
            base: String::new(),
            name: String::new(),
            description: String::new(),
            training_data: String::new(),
            licence: String::new(),
            ast: AstSize {
                hidden_size: 192,
                num_hidden_layers: 12,
                num_attention_heads: 3,
                intermediate_size: 768,
                patch_size: 16,
                frequency_stride: 10,
                time_stride: 10,
            },
            front_end: FrontEndSettings::default(),
            time_compression: None,
            listen_every_s: None,
            thresholds: BTreeMap::new(),
        }
    }
}

impl Default for ModelTrainer {
    fn default() -> ModelTrainer {
        ModelTrainer {
            train: Trained::All,
            last_layers: 2,
            lora: Lora {
                r: 16,
                lora_alpha: 16.0,
                lora_dropout: 0.1,
                target_modules: vec!["qkv".into()],
                modules_to_save: vec!["classifier".into()],
                bias: LoraBias::None,
            },
            loss: Loss::Softmax,
            class_weights: BTreeMap::new(),
            optimizer: Optimizer::AdamW,
            lr: 0.0005,
            weight_decay: 0.01,
            momentum: 0.9,
            betas: [0.9, 0.999],
            num_epochs: 20,
            use_scheduler: true,
            warmup_share: 0.05,
            decay: Decay::Cosine,
            decay_epochs: 5,
            decay_factor: 0.5,
            clip_norm: 1.0,
            accumulate_batches: 1,
            precision: Precision::Bf16,
            checkpoint_batches: 500,
            early_stopping: EarlyStopping {
                metric: Metric::Ap,
                patience_epochs: 8,
                least_gain: 0.0005,
            },
        }
    }
}
