//! What interrupts training: a kill, a full disk, numbers that are none, somebody else in the same folder.

mod common;

use std::sync::atomic::AtomicBool;

use common::{bytes, folder_with_sea, run, said, values, weights};
use spyhop_train::{End, JsonLines, RunFolder, RunStatus, Setup, Told, TrainError, train};

#[test]
fn a_loss_that_is_no_number_stops_training_and_names_the_batch() {
    let (folder, sea_folder) = folder_with_sea(8);
    let run_folder = folder.path().join("run");
    let said = said(&[
        "model_trainer.lr=1e38",
        "model_trainer.optimizer=SGD",
        "model_trainer.use_scheduler=false",
    ]);
    let error = run(&sea_folder, &run_folder, &said, None, None).outcome.expect_err("no numbers");
    let text = error.to_string();
    assert!(matches!(error, TrainError::NotFinite { epoch: 1, .. }), "{text}");
    assert!(
        text.contains("is no finite number in epoch 1, batch") && text.contains(".wav at"),
        "{text}"
    );
    assert!(text.contains("the last good state, of step 0, is kept in"), "{text}");
    // Not the one that a step of such a length led to.
    let state = weights(&run_folder.join("state.safetensors"));
    assert!(state.values().flat_map(values).all(|x| x.is_finite() && x.abs() < 10.0));
}

#[test]
fn a_network_that_diverges_in_the_last_batch_of_an_epoch_is_not_kept() {
    let (folder, sea_folder) = folder_with_sea(8);
    let run_folder = folder.path().join("run");
    // One batch an epoch: its loss is that of the first weights, and its step leads far away.
    let said = said(&[
        "model_trainer.lr=1e38",
        "model_trainer.optimizer=SGD",
        "model_trainer.use_scheduler=false",
        "data_loader.batch_size=4096",
    ]);
    let error = run(&sea_folder, &run_folder, &said, None, None).outcome.expect_err("no numbers");
    let text = error.to_string();
    assert!(matches!(error, TrainError::Diverged { epoch: 1, step: 0, .. }), "{text}");
    assert!(text.contains("the loss of the validation part is no finite number"), "{text}");
    assert!(!run_folder.join("best.safetensors").exists());
    let state = weights(&run_folder.join("state.safetensors"));
    assert!(state.values().flat_map(values).all(|x| x.abs() < 10.0));
    // Whoever looks on can read how it ended.
    let status = RunStatus::read(&RunFolder(run_folder)).expect("read").expect("there");
    assert_eq!((status.end, status.best), (Some(End::Failed), None));
    assert_eq!(status.problem, Some(text));
}

/// A step so long that weights overflow: what was kept before stays as it is.
#[test]
fn a_network_whose_weights_overflow_is_not_kept() {
    let (folder, sea_folder) = folder_with_sea(8);
    let run_folder = folder.path().join("run");
    let said = said(&[
        "model_trainer.lr=1e300",
        "model_trainer.optimizer=SGD",
        "model_trainer.use_scheduler=false",
        "model_trainer.clip_norm=0",
    ]);
    let error = run(&sea_folder, &run_folder, &said, None, None).outcome.expect_err("no numbers");
    let text = error.to_string();
    assert!(text.contains("a weight is no finite number in epoch 1, batch 1"), "{text}");
    assert!(text.contains("the last good state, of step 0, is kept in"), "{text}");
    let state = weights(&run_folder.join("state.safetensors"));
    assert!(state.values().flat_map(values).all(|x| x.is_finite() && x.abs() < 10.0));
}

/// `/dev/full` is a disk without room: the state's write fails half way.
#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_the_state_before_stays_and_the_run_goes_on_when_there_is_room() {
    let (folder, sea_folder) = folder_with_sea(8);
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let said = said(&["model_trainer.num_epochs=2"]);
    run(&sea_folder, &whole, &said, None, None).outcome.expect("a network");
    let stopped = run(&sea_folder, &parts, &said, None, Some(4)).outcome;
    assert!(matches!(stopped, Err(TrainError::Stopped)), "{stopped:?}");
    let state = parts.join("state.safetensors");
    let before = bytes(&state);
    std::os::unix::fs::symlink("/dev/full", parts.join("state.safetensors.unfinished"))
        .expect("a link");
    let full = run(&sea_folder, &parts, &said, None, None).outcome.expect_err("a full disk");
    let text = full.to_string();
    assert!(text.contains("the state of training can't be written (the disk is full"), "{text}");
    assert!(
        text.contains("the same command goes on") && text.contains("state.safetensors"),
        "{text}"
    );
    assert!(bytes(&state) == before, "the state before stays");
    let status = RunStatus::read(&RunFolder(parts.clone())).expect("read").expect("there");
    assert_eq!((status.end, status.problem.as_deref()), (Some(End::Failed), Some(text.as_str())));
    run(&sea_folder, &parts, &said, None, None).outcome.expect("there is room again");
    for name in ["state.safetensors", "model/model.safetensors", "metrics.jsonl"] {
        assert!(bytes(&whole.join(name)) == bytes(&parts.join(name)), "{name} differs");
    }
}

#[test]
fn a_run_says_how_it_goes_and_two_can_t_train_in_one_folder() {
    let (folder, sea_folder) = folder_with_sea(8);
    let (run_folder, said) = (RunFolder(folder.path().join("run")), said(&[]));
    assert_eq!(RunStatus::read(&run_folder).expect("none"), None);
    let stopped = run(&sea_folder, run_folder.path(), &said, None, Some(2)).outcome;
    assert!(matches!(stopped, Err(TrainError::Stopped)), "{stopped:?}");
    let status = RunStatus::read(&run_folder).expect("read").expect("there");
    assert_eq!((status.end, status.epochs), (Some(End::Stopped), 4));
    assert!(!spyhop_train::is_training(&run_folder));
    let lock = std::fs::File::open(run_folder.lock()).expect("there");
    lock.lock().expect("free");
    assert!(spyhop_train::is_training(&run_folder));
    let second = run(&sea_folder, run_folder.path(), &said, None, None).outcome;
    let text = second.expect_err("held").to_string();
    assert!(text.contains("another spyhop trains in this folder"), "{text}");
    lock.unlock().expect("given back");
    let outcome =
        run(&sea_folder, run_folder.path(), &said, None, None).outcome.expect("a network");
    let status = RunStatus::read(&run_folder).expect("read").expect("there");
    assert_eq!((status.end, status.problem, status.epoch), (Some(End::Done), None, 4));
    assert_eq!(status.best.map(|best| best.epoch), Some(outcome.best_epoch));
    assert_eq!((status.trained, status.parameters), (outcome.trained, outcome.parameters));
    // A curve has points within epochs, and each step has one value.
    let rows = JsonLines::read(&run_folder.metrics()).expect("lines");
    let steps = |name: &str| -> Vec<usize> {
        rows.iter().filter(|row| row.name == name).map(|row| row.step).collect()
    };
    let batches = steps("loss/batch");
    assert!(batches.len() > 4 && batches.windows(2).all(|two| two[0] < two[1]), "{batches:?}");
    assert_eq!(steps("rate"), batches);
    assert_eq!(steps("ap/val").len(), 4);
    // Another configuration is refused, and leaves what is known of the run.
    let other = common::said(&["model_trainer.lr=0.1"]);
    run(&sea_folder, run_folder.path(), &other, None, None).outcome.expect_err("another run");
    let after = RunStatus::read(&run_folder).expect("read").expect("there");
    assert_eq!(after.end, Some(End::Done));
    let config = String::from_utf8(bytes(&run_folder.config())).expect("text");
    assert!(config.contains("lr: 0.003"), "{config}");
}

/// On the CPU, where it changes no number: what is asked is whether the scale goes on where it was.
#[test]
fn an_interrupted_run_in_half_precision_goes_on_with_the_scale_of_its_loss() {
    let (folder, sea_folder) = folder_with_sea(8);
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let said = said(&["model_trainer.num_epochs=2", "model_trainer.precision=f16"]);
    run(&sea_folder, &whole, &said, None, None).outcome.expect("a network");
    let stopped = run(&sea_folder, &parts, &said, None, Some(5)).outcome;
    assert!(matches!(stopped, Err(TrainError::Stopped)), "{stopped:?}");
    run(&sea_folder, &parts, &said, None, None).outcome.expect("a network");
    let state = bytes(&whole.join("state.safetensors"));
    let says = |text: &[u8]| state.windows(text.len()).any(|piece| piece == text);
    assert!(says(b"loss_scale") && says(b"right_for"), "the state holds it");
    for name in ["state.safetensors", "best.safetensors", "model/model.safetensors"] {
        assert!(bytes(&whole.join(name)) == bytes(&parts.join(name)), "{name} differs");
    }
}

#[test]
fn a_run_that_can_t_even_begin_is_known_as_failed_with_its_reason() {
    let (folder, sea_folder) = folder_with_sea(6);
    let run_folder = RunFolder(folder.path().join("run"));
    let fails = |more: &[&str]| {
        let outcome = run(&sea_folder, run_folder.path(), &said(more), None, None).outcome;
        let text = outcome.expect_err("bad").to_string();
        let status = RunStatus::read(&run_folder).expect("read").expect("there");
        assert_eq!((status.end, status.problem), (Some(End::Failed), Some(text)));
        assert!(status.began_ms > 0);
        String::from_utf8(bytes(&run_folder.config())).expect("text")
    };
    let config = fails(&["data_loader.include_classes=[upcall, gunshot]"]);
    assert!(config.contains("gunshot"), "what was said is kept: {config}");
    // Another reason takes the place of the first one, and what is right goes on from there.
    let config = fails(&["data_loader.split_by=day"]);
    assert!(config.contains("split_by: day"), "{config}");
    run(&sea_folder, run_folder.path(), &said(&["model_trainer.num_epochs=1"]), None, None)
        .outcome
        .expect("a network");
    let status = RunStatus::read(&run_folder).expect("read").expect("there");
    assert_eq!((status.end, status.problem), (Some(End::Done), None));
}

/// The run's folder is copied when two of three batches wait to become a step: what a power cut would leave.
#[test]
fn a_run_that_is_killed_between_batches_of_a_step_ends_with_the_same_bits() {
    let (folder, sea_folder) = folder_with_sea(8);
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let said = said(&["model_trainer.num_epochs=2", "model_trainer.accumulate_batches=3"]);
    let run_folder = RunFolder(whole.clone());
    let mut tracker = JsonLines::new(run_folder.metrics());
    let watch = |told: Told| {
        if matches!(told, Told::Batch { epoch: 1, batch: 5, .. }) {
            std::fs::create_dir(&killed).expect("a folder");
            for name in ["state.safetensors", "metrics.jsonl", "config.yaml", "split.csv"] {
                std::fs::copy(whole.join(name), killed.join(name)).expect("copied");
            }
        }
    };
    train(Setup {
        said: &said,
        table: common::windows(&sea_folder, &said.preprocess),
        base: None,
        folder: &run_folder,
        features: &sea_folder.join("features"),
        open: &common::open,
        tracker: &mut tracker,
        stop: &AtomicBool::new(false),
        watch: &watch,
    })
    .expect("a network");
    let went_on = run(&sea_folder, &killed, &said, None, None);
    went_on.outcome.expect("a network");
    let batches = went_on.told.iter().filter_map(|told| match told {
        Told::Batch { epoch, batch, .. } => Some((*epoch, *batch)),
        _ => None,
    });
    assert_eq!(batches.clone().next(), Some((1, 4)), "from the last step on");
    for name in
        ["state.safetensors", "best.safetensors", "model/model.safetensors", "metrics.jsonl"]
    {
        assert!(bytes(&whole.join(name)) == bytes(&killed.join(name)), "{name} differs");
    }
}
