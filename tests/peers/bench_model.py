"""Times an Audio Spectrogram Transformer of the published size with random weights, ours beside PyTorch with
transformers, on the same cores in one run, and checks that both give the same logits.

Last, `spyhop detect` with the same network over a recording: what the whole path costs beside the network
alone.

Usage: python bench_model.py AST_SPEED SPYHOP [GPU]   (the example of spyhop-model, and the program; both built
with `--features cuda` where GPU is given: then both compute on the first GPU, in float32 and in bfloat16)
"""

import json
import subprocess
import sys
import tempfile
import time
import wave

import numpy as np
import torch
import transformers
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

BATCHES = (1, 4)
GPU_BATCHES = (1, 8, 32)
CLASSES = 527
WINDOW_SAMPLES = 400 + 1023 * 160
AT_LEAST_S, AT_LEAST_TIMES = (4 if "GPU" in sys.argv else 12), 4
ROUNDS = 2


def best(work):
    work()
    begun, times, least = time.perf_counter(), 0, float("inf")
    while times < AT_LEAST_TIMES or time.perf_counter() - begun < AT_LEAST_S:
        piece = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - piece)
        times += 1
    return least


def tell_whole_path(spyhop, folder, repeats, network_s):
    """What `spyhop detect` costs over all windows several times, beside `network_s` a window."""
    waves = np.fromfile(f"{folder}/waves", dtype=np.float32)
    piece = (waves * 8000).astype("<i2").tobytes()
    with wave.open(f"{folder}/sea.wav", "wb") as sea:
        sea.setnchannels(1), sea.setsampwidth(2), sea.setframerate(16000)
        for _ in range(repeats):
            sea.writeframes(piece)
    detect_s, recording_s = whole_path(spyhop, folder, f"{folder}/sea.wav")
    windows = windows_of(spyhop, folder, f"{folder}/sea.wav")
    return (f"`spyhop detect` heard {recording_s:.0f} s ({windows} windows) in {detect_s:.1f} s: "
            f"{recording_s / detect_s:.2f} audio-hours an hour, "
            f"{1 - windows * network_s / detect_s:.1%} of it not in the network.")


def theirs_on_gpu(model, pictures, dtype):
    """Seconds a window, with pictures that lie in the memory of the CPU as ours do."""
    model, pictures = model.to("cuda", dtype), torch.randn(max(GPU_BATCHES), *pictures)
    with torch.inference_mode():
        return {b: best(lambda: model(pictures[:b].to("cuda", dtype)).logits.float().cpu()) / b for b in GPU_BATCHES}


def on_gpu(ast_speed, spyhop, folder, model, config):
    print(f"Seconds a window of 10.24 s on {torch.cuda.get_device_name()}, 768 wide, 12 layers; best of {ROUNDS} rounds\n")
    print(f"| | spyhop | PyTorch {torch.__version__}, transformers {transformers.__version__} | ratio |")
    print("|---|--:|--:|--:|")
    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        best_of = {"ours": {}, "theirs": {}}
        for _ in range(ROUNDS):
            told = subprocess.run([ast_speed, folder, f"{folder}/waves", name, *map(str, GPU_BATCHES)], check=True,
                                  capture_output=True)
            ours = json.loads(told.stdout)
            torchs = theirs_on_gpu(model, (config.max_length, config.num_mel_bins), dtype)
            for b in GPU_BATCHES:
                best_of["ours"][b] = min(ours[str(b)], best_of["ours"].get(b, 1e9))
                best_of["theirs"][b] = min(torchs[b], best_of["theirs"].get(b, 1e9))
        for b in GPU_BATCHES:
            ours, other = best_of["ours"][b], best_of["theirs"][b]
            print(f"| {name}, batch {b} | {ours:.5f} | {other:.5f} | {ours / other:.2f} |", flush=True)
    # Last was bf16, in which the program computes on a GPU.
    print(tell_whole_path(spyhop, folder, 128, best_of["ours"][max(GPU_BATCHES)]))


def theirs(model, extractor, waves):
    with torch.inference_mode():
        front_end = best(lambda: extractor(waves[0], sampling_rate=16000, return_tensors="pt"))
        features = torch.cat([extractor(w, sampling_rate=16000, return_tensors="pt")["input_values"] for w in waves])
        seconds = {str(b): best(lambda: model(features[:b])) / b for b in BATCHES}
        return seconds | {"front end": front_end, "logits": model(features).logits.tolist()}


def whole_path(spyhop, folder, recording):
    """Seconds that `spyhop detect` takes over a recording, and how long the recording is."""
    command = [spyhop, "detect", recording, "--model", folder, "--json", "--state", f"{folder}/state",
               "--out", f"{folder}/calls.parquet"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return told["seconds"], told["hours"] * 3600


def windows_of(spyhop, folder, recording):
    """How many windows the network looks at in a recording."""
    subprocess.run([spyhop, "score", recording, "--model", folder, "--out", f"{folder}/scores.npy"], check=True,
                   capture_output=True)
    return len(np.load(f"{folder}/scores.npy"))


def main(ast_speed, spyhop, gpu=None):
    torch.manual_seed(1)
    labels = {i: f"sound {i}" for i in range(CLASSES)}
    config = ASTConfig(id2label=labels, label2id={v: k for k, v in labels.items()}, attn_implementation="sdpa")
    model, extractor = ASTForAudioClassification(config).eval(), ASTFeatureExtractor()
    count = max(GPU_BATCHES if gpu else BATCHES)
    waves = (np.random.default_rng(2).standard_normal((count, WINDOW_SAMPLES)) * 0.1).astype(np.float32)
    rounds = {"spyhop": [], "torch": []}
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        extractor.save_pretrained(folder)
        waves.tofile(f"{folder}/waves")
        if gpu:
            on_gpu(ast_speed, spyhop, folder, model, config)
            return
        for _ in range(ROUNDS):
            ours = subprocess.run([ast_speed, folder, f"{folder}/waves"], check=True, capture_output=True)
            rounds["spyhop"].append(json.loads(ours.stdout))
            rounds["torch"].append(theirs(model, extractor, waves))
        network_s = min(r["4"] for r in rounds["spyhop"])
        told = tell_whole_path(spyhop, folder, 4, network_s)
    apart = np.abs(np.array(rounds["spyhop"][0]["logits"]) - np.array(rounds["torch"][0]["logits"])).max()
    print(f"Seconds a window of 10.24 s, 768 wide, 12 layers, 527 classes, float32, "
          f"{torch.get_num_threads()} threads; best of {ROUNDS} rounds\n")
    print(f"| | spyhop | PyTorch {torch.__version__}, transformers {transformers.__version__} | ratio |")
    print("|---|--:|--:|--:|")
    for key in ("front end", *map(str, BATCHES)):
        ours, other = (min(r[key] for r in rounds[who]) for who in ("spyhop", "torch"))
        what = key if key == "front end" else f"network, batch {key}"
        print(f"| {what} | {ours:.4f} | {other:.4f} | {ours / other:.2f} |")
    print(f"\nThe logits differ by at most {apart:.1e}.")
    print(told)


if __name__ == "__main__":
    main(*sys.argv[1:])
