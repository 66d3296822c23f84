"""What `spyhop train` and `spyhop tune` tell a real MLflow server, read back by MLflow's own client, though one of them is killed midway."""

import json
import math
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
import soundfile
import yaml
from mlflow.tracking import MlflowClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPYHOP = pathlib.Path(os.environ.get("SPYHOP", ROOT / "target/debug/spyhop")).resolve()
RATE, FILES, FILE_S = 2000, 8, 60
CONFIG = """
general: {experiment_name: right whales}
preprocess: {window_s: 1.5, hop_s: 1.5, label_mapping: {upcall: upcall}}
data_loader: {train_ratio: 0.6, val_ratio: 0.2, test_ratio: 0.2, batch_size: 16}
model:
  AST_kwargs: {hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 48, frequency_stride: 12, time_stride: 14}
  front_end: {rate_hz: 2000, low_hz: 30, high_hz: 400, mels: 40, frame_samples: 256, hop_samples: 64, fft_size: 512}
model_trainer: {num_epochs: 6, lr: 0.003, early_stopping: {patience_epochs: 0}}
"""


class Server:
    """`mlflow server` on a port, with a store of its own that outlives it."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1",
             "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--artifacts-destination", str(self.folder / "artifacts")],
            # Without its queues of other work: seven processes fewer.
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + 300
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.3)
        raise AssertionError("mlflow server does not answer")

    def kill(self):
        # The whole group: it starts workers.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("mlflow"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    sea = folder / "sea"
    sea.mkdir()
    rng = np.random.default_rng(5)
    t = np.arange(RATE) / RATE
    call = 0.2 * np.sin(2 * np.pi * (80 * t + 50 * t**2)) * np.hanning(t.size)
    for i in range(FILES):
        wave = 0.05 * rng.standard_normal(FILE_S * RATE)
        rows = ["Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation"]
        for k in range(8):
            at = 2.0 + 7 * k + rng.uniform(-0.5, 0.5)
            wave[int(at * RATE):int(at * RATE) + call.size] += call
            rows.append(f"{k + 1}\tSpectrogram 1\t1\t{at:.4f}\t{at + 1:.4f}\t80\t180\tupcall")
        soundfile.write(sea / f"sea_20210601_{i:02}0000.wav", wave, RATE, subtype="PCM_16")
        (sea / f"sea_20210601_{i:02}0000.Table.1.selections.txt").write_text("\n".join(rows) + "\n")
    (folder / "train.yaml").write_text(CONFIG)
    return folder


def spyhop(folder, *words, **environment):
    # RAYON_NUM_THREADS: the same numbers in every run.
    env = {**os.environ, "XDG_DATA_HOME": str(folder / "data"), "RAYON_NUM_THREADS": "2", **environment}
    return subprocess.Popen([SPYHOP, *words], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def start(command, folder, server, name, *more, **environment):
    sets = [f"preprocess.wav_dir={folder / 'sea'}", f"general.mlflow_server_uri={server.uri}", f"general.run_name={name}", *more]
    settings = [word for setting in sets for word in ("--set", setting)]
    return spyhop(folder, command, "--config", "train.yaml", "--json", *settings, **environment)


def train(folder, server, name, *more, **environment):
    return start("train", folder, server, name, *more, **environment)


RATES, FOLDS = ["0.001", "0.003"], 2
SEARCH = [f"tune.keys={{model_trainer.lr: [{', '.join(RATES)}]}}", f"tune.folds={FOLDS}", "model_trainer.num_epochs=3"]


def tune(folder, server, name, *more):
    return start("tune", folder, server, name, *SEARCH, *more)


def done(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out, err


def run_of(server, name):
    client = MlflowClient(server.uri)
    experiment = client.get_experiment_by_name("right whales")
    found = [r for r in client.search_runs([experiment.experiment_id]) if r.info.run_name == name]
    assert len(found) == 1, "one run of that name"
    return client, found[0]


def check_metrics(client, run, folder):
    """All metrics of a run, and each of them once, are those of its folder."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert set(run.data.metrics) == {row["name"] for row in rows}
    for metric in run.data.metrics:
        ours = [(row["step"], row["value"]) for row in rows if row["name"] == metric]
        theirs = sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, metric))
        assert theirs == sorted(ours), metric


def check(server, folder, name):
    client, run = run_of(server, name)
    assert run.info.status == "FINISHED"
    check_metrics(client, run, folder / "runs" / name)
    assert run.data.params["model_trainer.lr"] == "0.003"
    assert int(run.data.params["network.trained"]) == int(run.data.params["network.parameters"])
    assert {f.path for f in client.list_artifacts(run.info.run_id)} >= {"config.yaml", "split.csv", "data.json", "report.json", "model"}
    at = client.download_artifacts(run.info.run_id, "model/model.safetensors")
    assert pathlib.Path(at).read_bytes() == (folder / "runs" / name / "model/model.safetensors").read_bytes()
    return run


def test_a_run_is_told_with_its_parameters_metrics_by_step_and_files(server, folder):
    token = "hush-this-is-secret"
    out, err = done(train(folder, server, "first", MLFLOW_TRACKING_TOKEN=token))
    assert "MLflow" not in err, err
    run = check(server, folder, "first")
    assert run.data.tags["spyhop.run"] and run.data.tags["mlflow.source.name"] == "spyhop"
    assert token not in out + err
    files = [path for path in (folder / "runs/first").rglob("*") if path.is_file()]
    assert files and not any(token.encode() in path.read_bytes() for path in files)


def test_a_server_that_is_killed_midway_is_told_everything_once_it_is_back(server, folder):
    process = train(folder, server, "killed", "model_trainer.num_epochs=40")
    until = time.monotonic() + 120
    sent = folder / "runs/killed/mlflow/sent.json"
    while not (sent.exists() and json.loads(sent.read_text())["bytes"] > 2000):
        assert time.monotonic() < until and process.poll() is None, "it is told of while it is trained"
        time.sleep(0.02)
    server.kill()
    _, err = done(process)
    assert "messages for MLflow are kept" in err and "spyhop runs send" in err, err
    listed = json.loads(done(spyhop(folder, "runs", "--json"))[0])
    assert {run["name"]: run["state"] for run in listed["runs"]}["killed"] == "done"
    refused = spyhop(folder, "runs", "send")
    _, err = refused.communicate(timeout=60)
    assert refused.returncode == 1 and "can't be reached" in err, err
    server.start()
    done(spyhop(folder, "runs", "send"))
    check(server, folder, "killed")
    out, _ = done(spyhop(folder, "runs", "send"))
    assert "nothing that MLflow was not told" in out


def test_a_run_that_was_killed_and_went_on_has_every_metric_once(server, folder):
    process = train(folder, server, "resumed", "model_trainer.num_epochs=40")
    metrics = folder / "runs/resumed/metrics.jsonl"
    until = time.monotonic() + 120
    # Figures of several epochs were told by then, and are not told twice.
    while not (metrics.exists() and metrics.read_text().count('"loss/val"') >= 3):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert not (folder / "runs/resumed/report.json").exists(), "it was killed midway"
    done(train(folder, server, "resumed", "model_trainer.num_epochs=40", "data_loader.workers=1"))
    run = check(server, folder, "resumed")
    assert run.data.params["data_loader.workers"] == "2" and run.data.tags["changed.data_loader.workers"] == "1"


def test_a_loss_that_is_no_number_makes_a_failed_run(server, folder):
    process = train(folder, server, "nan", "model_trainer.lr=1e38", "model_trainer.optimizer=SGD", "model_trainer.use_scheduler=false")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1 and "is no finite number in epoch 1, batch" in err, err
    _, run = run_of(server, "nan")
    assert run.info.status == "FAILED"
    assert all(not math.isnan(value) for value in run.data.metrics.values())
    shown = json.loads(done(spyhop(folder, "runs", "show", "nan", "--json"))[0])
    assert shown["run"]["state"] == "failed" and "no finite number" in shown["run"]["problem"]


def check_search(server, folder, name, found):
    """A search is a run, and its parts are the trainings of all folds of all trials, each once."""
    client, whole = run_of(server, f"{name}-search")
    assert whole.info.status == "FINISHED" and "mlflow.parentRunId" not in whole.data.tags
    assert whole.data.params["tune.folds"] == str(FOLDS)
    best = max(trial["mean"] for trial in found["trials"])
    assert [(m.step, m.value) for m in client.get_metric_history(whole.info.run_id, "best")] == [(0, best)]
    own = f"tags.mlflow.parentRunId = '{whole.info.run_id}'"
    parts = client.search_runs([whole.info.experiment_id], filter_string=own)
    said = [(run.data.params["model_trainer.lr"], run.data.params["data_loader.fold"]) for run in parts]
    assert sorted(said) == [(rate, str(fold)) for rate in RATES for fold in range(FOLDS)]
    folders = {}
    for config in (folder / "runs/trials").glob("*/config.yaml"):
        said = yaml.safe_load(config.read_text())
        folders[said["general"]["run_name"], str(said["data_loader"]["random_seed"])] = config.parent
    for run in parts:
        assert run.info.status == "FINISHED", run.info.run_name
        check_metrics(client, run, folders[run.info.run_name, run.data.params["data_loader.random_seed"]])
        assert {f.path for f in client.list_artifacts(run.info.run_id)} >= {"config.yaml", "report.json", "model"}
    return whole, parts


def test_a_search_is_a_run_whose_parts_are_its_trainings(server, folder):
    out, err = done(tune(folder, server, "wide"))
    assert "MLflow" not in err, err
    whole, parts = check_search(server, folder, "wide", json.loads(out))
    # Once more nothing is trained, and nothing is told twice.
    out, _ = done(tune(folder, server, "wide"))
    again = check_search(server, folder, "wide", json.loads(out))
    assert again[0].info.run_id == whole.info.run_id
    assert {run.info.run_id for run in again[1]} == {run.info.run_id for run in parts}


def test_a_search_that_was_killed_and_went_on_has_every_part_once(server, folder):
    # Networks of another seed: those of the test before are trained.
    seed = "data_loader.random_seed=7"
    process = tune(folder, server, "killed-midway", seed, "tune.parallel=1")
    until = time.monotonic() + 240
    reports = lambda: [path for path in (folder / "runs/trials").glob("*/report.json") if "random_seed: 7" in (path.parent / "config.yaml").read_text()]
    while not reports():
        assert time.monotonic() < until and process.poll() is None, "one of its networks is trained"
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert len(reports()) < len(RATES) * FOLDS, "it was killed midway"
    out, _ = done(tune(folder, server, "killed-midway", seed, "tune.parallel=1"))
    check_search(server, folder, "killed-midway", json.loads(out))
