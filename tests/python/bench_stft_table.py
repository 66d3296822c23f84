"""Prints what `stft_speed`, its WebAssembly and `bench_stft.py` measured as one table.

Usage: python3 bench_stft_table.py FILE.json…
"""

import json
import sys

rates = {}
for path in sys.argv[1:]:
    with open(path) as file:
        rates |= json.load(file)

ROWS = [
    ("spyhop, native", "auto"),
    ("spyhop, held to SSE4.1", "sse4.1"),
    ("spyhop, WebAssembly", "wasm"),
    ("spyhop, columns of 64 frames", "columns"),
    ("spyhop, the same in WebAssembly", "wasm columns"),
    ("scipy.signal.spectrogram", "scipy"),
    ("torch.stft", "torch"),
]
COLUMNS = [(nfft, threads) for nfft in (1024, 2048) for threads in (1, 2)]


def cell(nfft, name, threads):
    rate = rates.get(f"{nfft} {name} {threads}")
    scipy = rates.get(f"{nfft} scipy 1")
    if rate is None:
        return ""
    return f"{rate:.0f} ({rate / scipy:.1f}×)" if scipy else f"{rate:.0f}"


print("Million samples a second, Hann float32; in brackets: times scipy on one thread")
heads = [f"{nfft}/512, {threads} thread{'s' * (threads > 1)}" for nfft, threads in COLUMNS]
print("| | " + " | ".join(heads) + " |")
print("|---|" + "---:|" * len(heads))
for label, name in ROWS:
    cells = [cell(nfft, name, threads) for nfft, threads in COLUMNS]
    if any(cells):
        print(f"| {label} | " + " | ".join(cells) + " |")
for nfft in (1024, 2048):
    wasm = rates.get(f"{nfft} wasm 1")
    for name, goal in (("auto", "a third"), ("sse4.1", "half")):
        native = rates.get(f"{nfft} {name} 1")
        if wasm and native:
            print(f"{nfft}/512: WebAssembly runs at {wasm / native:.2f} of native {name} (goal: {goal})")
