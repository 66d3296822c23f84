"""Training windows a second, ours beside PyTorch with transformers and PEFT, on the same cores in one run: a small
network from nothing, and one of the reference experiment's size in full and with LoRA.

Ours is the whole of `spyhop train` (features from its cache, windows altered, a look at the validation part, states
written); theirs are steps on pictures that are there already, and a look at as many pictures beside them. Float32,
AdamW, the same batches. Rounds alternate, and medians count.

With the word GPU both train on the first GPU (SPYHOP built with `--features cuda`): the table of the reference
experiment, a network of the published size without optimisation, with LoRA, and with LoRA, mixed precision and
workers that prepare batches.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import wave

import numpy as np
import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPYHOP = pathlib.Path(os.environ.get("SPYHOP", ROOT / "target/debug/spyhop")).resolve()
AT_LEAST_S = 6 if "GPU" in sys.argv else 20
ROUNDS = 2 if "GPU" in sys.argv else 3
TARGETS = ["q_proj", "k_proj", "v_proj"]
LABELS = {0: "upcall", 1: "none"}


def ast(width, layers, heads, inside, stride, mels, frames):
    return ASTConfig(hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=inside,
                     frequency_stride=stride, time_stride=stride, num_mel_bins=mels, max_length=frames,
                     id2label=LABELS, label2id={v: k for k, v in LABELS.items()}, attn_implementation="sdpa")


# What is trained, how large the network is, the recording's rate, windows of a batch and of our run.
SMALL = ast(96, 4, 4, 192, 8, 48, 59)
TINY = ast(192, 12, 3, 768, 10, 128, 298)
CASES = {
    "96 wide, 4 layers, from nothing": (SMALL, 2000, 64, 16_000, "all"),
    "tiny224, in full": (TINY, 16_000, 8, 160, "all"),
    "tiny224, LoRA": (TINY, 16_000, 8, 160, "lora"),
}


BASE = ast(768, 12, 12, 3072, 10, 128, 298)
# The last two: the precision, and the workers that prepare batches. A run of a fifth of the windows is taken away: on a
# GPU what is begun with and written at the end would take longer than so few windows, and less than one in a hundred of
# an epoch of the reference experiment (200 000).
GPU_CASES = {
    "no optimisation": (BASE, 16_000, 16, 2400, "all", "f32", 1),
    "LoRA": (BASE, 16_000, 16, 2400, "lora", "f32", 1),
    "LoRA, bf16, 8 workers": (BASE, 16_000, 16, 8000, "lora", "bf16", 8),
}


def theirs(config, batch, train, looks, precision=None):
    """Windows a second that are learnt from; for each of them, `looks` others are looked at."""
    torch.manual_seed(3)
    device = "cuda" if precision else "cpu"
    mixed = torch.autocast(device, torch.bfloat16, enabled=precision == "bf16")
    model = ASTForAudioClassification(config).train().to(device)
    if train == "lora":
        model = get_peft_model(model, LoraConfig(r=16, lora_alpha=16, lora_dropout=0.1, target_modules=TARGETS,
                                                 modules_to_save=["classifier"]))
    moving = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=1e-4)
    pictures = torch.randn(batch, config.max_length, config.num_mel_bins)
    classes = torch.randint(0, 2, (batch,)).to(device)
    begun, steps = None, 0
    while begun is None or time.perf_counter() - begun < AT_LEAST_S:
        optimizer.zero_grad()
        with mixed:
            loss = torch.nn.functional.cross_entropy(model(pictures.to(device)).logits, classes)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moving, 1.0)
        optimizer.step()
        if begun is None:
            begun = time.perf_counter()
        else:
            steps += 1
    model.eval()
    with torch.no_grad(), mixed:
        for _ in range(round(steps * looks)):
            model(pictures.to(device))
    if precision:
        torch.cuda.synchronize()
    return steps * batch / (time.perf_counter() - begun)


def sea(folder, rate):
    folder.mkdir()
    rng = np.random.default_rng(4)
    for i in range(8):
        stem = f"sea_20210601_{i:02}0000"
        with wave.open(f"{folder / stem}.wav", "wb") as file:
            file.setnchannels(1), file.setsampwidth(2), file.setframerate(rate)
            file.writeframes((1600 * rng.standard_normal(120 * rate)).astype("<i2").tobytes())
        rows = [f"{10 * k + 3}\t{10 * k + 4}\tupcall" for k in range(11)]
        (folder / f"{stem}.txt").write_text("\n".join(rows) + "\n")


def ours(folder, config, rate, batch, windows, train, precision="f32", workers=2):
    place = folder / f"sea{rate}"
    if not place.exists():
        sea(place, rate)
    window_s = 2 if rate == 2000 else 3
    say = [f"preprocess.wav_dir={place}", f"preprocess.windows_path={folder}/windows{rate}.parquet",
           f"preprocess.window_s={window_s}", "preprocess.hop_s=3", f"data_loader.batch_size={batch}",
           f"data_loader.epoch_windows={windows}", "data_loader.train_ratio=0.75", "data_loader.val_ratio=0.25",
           "data_loader.test_ratio=0", f"data_loader.workers={workers}", f"model_trainer.precision={precision}", "model_trainer.num_epochs=1", f"model_trainer.train={train}",
           f"general.output_dir={folder}/runs", f"general.run_name=run{time.time_ns()}"]
    if train == "lora":
        base = folder / f"base{config.hidden_size}"
        ASTForAudioClassification(config).save_pretrained(base)
        ASTFeatureExtractor(num_mel_bins=config.num_mel_bins, max_length=config.max_length).save_pretrained(base)
        say.append(f"model.base={base}")
    say += [f"model.AST_kwargs.{key}={getattr(config, key)}" for key in
            ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "frequency_stride", "time_stride")]
    if rate == 2000:
        say += [f"model.front_end.{key}" for key in ("rate_hz=2000", "low_hz=30", "high_hz=400", "mels=48",
                                                     "frame_samples=256", "hop_samples=64", "fft_size=512")]
    settings = [word for setting in say for word in ("--set", setting)]
    empty = folder / "empty.yaml"
    empty.write_text("")
    done = subprocess.run([SPYHOP, "train", "--config", empty, "--json", *settings], capture_output=True, text=True,
                          env={**os.environ, "XDG_DATA_HOME": str(folder / "data")})
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    return outcome["windows_per_s"], outcome["trained"] / outcome["parameters"], outcome["val"]["windows"] / windows


def ours_in_between(folder, config, rate, batch, windows, train, *more):
    """The same of what a long run does beyond a short one; both look at the same windows."""
    speed, share, _ = ours(folder, config, rate, batch, windows, train, *more)
    few = windows // 5
    few_speed, _, _ = ours(folder, config, rate, batch, few, train, *more)
    return (windows - few) / (windows / speed - few / few_speed), share, 0


def main(gpu=None):
    where = torch.cuda.get_device_name() if gpu else f"{torch.get_num_threads()} threads"
    print(f"Training windows a second, {where}; median of {ROUNDS} rounds\n")
    print(f"| | trained | spyhop | PyTorch {torch.__version__}, transformers {transformers.__version__}, "
          f"PEFT {peft.__version__} | ratio |")
    print("|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (config, rate, batch, windows, train, *more) in (GPU_CASES if gpu else CASES).items():
            speeds = []
            for _ in range(ROUNDS):
                run = ours_in_between if gpu else ours
                speed, share, looks = run(pathlib.Path(folder), config, rate, batch, windows, train, *more)
                speeds.append((speed, theirs(config, batch, train, looks, *more[:1])))
            ours_median, theirs_median = np.median(speeds, axis=0)
            ratio = np.median([one / other for one, other in speeds])
            print(f"| {name} | {share:.1%} | {ours_median:.1f} | {theirs_median:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
