"""Networks and adapters that `spyhop train` leaves, opened by the real transformers and PEFT: the same logits."""

import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
import soundfile
import torch
from peft import PeftModel
from transformers import ASTFeatureExtractor, ASTForAudioClassification

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPYHOP = pathlib.Path(os.environ.get("SPYHOP", ROOT / "target/debug/spyhop")).resolve()
RATE, FILES, FILE_S = 16_000, 8, 20
CONFIG = """
preprocess: {window_s: 1, hop_s: 1, label_mapping: {upcall: upcall}}
data_loader: {train_ratio: 0.6, val_ratio: 0.2, test_ratio: 0.2, batch_size: 16}
model:
  AST_kwargs: {hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 48}
  front_end: {mels: 40}
  listen_every_s: 0.5
model_trainer: {num_epochs: 2, lr: 0.002}
"""


def train(folder, *more):
    settings = [word for setting in more for word in ("--set", setting)]
    done = subprocess.run([SPYHOP, "train", "--config", folder / "train.yaml", "--json", *settings],
                          cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "XDG_DATA_HOME": str(folder / "data")})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    rng = np.random.default_rng(5)
    sea = folder / "sea"
    sea.mkdir()
    t = np.arange(int(0.6 * RATE)) / RATE
    call = 0.2 * np.sin(2 * np.pi * (300 * t + 400 * t**2)) * np.hanning(t.size)
    for i in range(FILES):
        wave = 0.02 * rng.standard_normal(FILE_S * RATE)
        rows = ["Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation"]
        for k in range(6):
            at = 1.2 + 3 * k + rng.uniform(-0.2, 0.2)
            first = int(at * RATE)
            wave[first:first + call.size] += call
            rows.append(f"{k + 1}\tSpectrogram 1\t1\t{at:.4f}\t{at + 0.6:.4f}\t300\t800\tupcall")
        soundfile.write(sea / f"sea_20210601_{i:02}0000.wav", wave, RATE, subtype="PCM_16")
        (sea / f"sea_20210601_{i:02}0000.Table.1.selections.txt").write_text("\n".join(rows) + "\n")
    (folder / "train.yaml").write_text(CONFIG)
    first = train(folder, f"preprocess.wav_dir={sea}", "general.run_name=first")
    base = folder / "runs/first/model"
    adapted = train(folder, "general.run_name=lora", f"model.base={base}", "model_trainer.train=lora",
                    "model_trainer.LoRA_kwargs.r=4", "model_trainer.LoRA_kwargs.lora_alpha=8")
    assert adapted["trained"] < first["trained"] / 3
    return folder, sea / "sea_20210601_000000.wav"


def scores(folder, file, model, *more):
    out = folder / "logits.json"
    done = subprocess.run([SPYHOP, "score", file, "--model", model, "--out", out, *more], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.array(json.loads(out.read_text())["rows"])


def logits(model, folder, file, rows):
    extractor = ASTFeatureExtractor.from_pretrained(folder)
    wave, rate = soundfile.read(file, dtype="float32")
    assert rate == extractor.sampling_rate
    samples = 400 + (extractor.max_length - 1) * 160
    windows = [wave[round(start * rate):][:samples] for start in rows[:, 0]]
    features = [extractor(w, sampling_rate=rate, return_tensors="pt")["input_values"] for w in windows]
    with torch.inference_mode():
        return model.eval()(torch.cat(features)).logits.numpy()


def test_a_trained_network_gives_the_same_logits_in_transformers(trained):
    folder, file = trained
    model = folder / "runs/first/model"
    rows = scores(folder, file, model)
    theirs = logits(ASTForAudioClassification.from_pretrained(model), model, file, rows)
    # The front end's quiet filters are summed in another order.
    assert len(rows) > 20 and np.abs(rows[:, 1:] - theirs).max() < 2e-3


def test_an_adapter_gives_the_same_logits_in_peft_apart_and_merged(trained):
    folder, file = trained
    base, run = folder / "runs/first/model", folder / "runs/lora"
    rows = scores(folder, file, base, "--adapter", run / "adapter")
    merged = scores(folder, file, run / "model")
    assert np.abs(rows - merged).max() < 1e-4
    adapted = PeftModel.from_pretrained(ASTForAudioClassification.from_pretrained(base), run / "adapter")
    theirs = logits(adapted, run / "adapter", file, rows)
    assert np.abs(rows[:, 1:] - theirs).max() < 2e-3
    theirs = logits(ASTForAudioClassification.from_pretrained(run / "model"), run / "model", file, rows)
    assert np.abs(merged[:, 1:] - theirs).max() < 2e-3
    plain = scores(folder, file, base)
    assert np.abs(plain[:, 1:] - rows[:, 1:]).max() > 0.01, "the adapter changes something"
