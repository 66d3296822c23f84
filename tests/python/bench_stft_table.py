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
SIZES = (1024, 2048)
COLUMNS = [(nfft, threads) for nfft in SIZES for threads in (1, 2)]
# Times scipy on one thread, by our threads.
GOALS = {1: 4, 2: 7}


def cell(nfft, name, threads):
    rate = rates.get(f"{nfft} {name} {threads}")
    scipy = rates.get(f"{nfft} scipy 1")
    if rate is None:
        return "–"
    return f"{rate:.0f} ({rate / scipy:.1f}×)" if scipy else f"{rate:.0f}"


def verdict(share, goal):
    return "reached" if share >= goal else "missed"


heads = ["", *(f"{nfft}/512, {threads} thread{'s' * (threads > 1)}" for nfft, threads in COLUMNS)]
rows = [[label, *(cell(nfft, name, threads) for nfft, threads in COLUMNS)] for label, name in ROWS]
widths = [max(map(len, column)) for column in zip(heads, *rows)]


def line(cells):
    padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:]))]
    print("| " + " | ".join(padded) + " |")


print("Million samples a second, Hann float32; in brackets: times scipy on one thread\n")
line(heads)
print("|" + "-" * (widths[0] + 2) + "|" + "".join("-" * (w + 1) + ":|" for w in widths[1:]))
for row in rows:
    line(row)
print()
for nfft in SIZES:
    for threads, goal in GOALS.items():
        ours, scipy = rates.get(f"{nfft} auto {threads}"), rates.get(f"{nfft} scipy 1")
        if ours and scipy:
            share = ours / scipy
            print(f"{nfft}/512, {threads} thread{'s' * (threads > 1)}: {share:.1f} times scipy "
                  f"(goal {goal}: {verdict(share, goal)})")
    wasm = rates.get(f"{nfft} wasm 1")
    for name, told, goal in (("auto", "a third", 1 / 3), ("sse4.1", "half", 1 / 2)):
        native = rates.get(f"{nfft} {name} 1")
        if wasm and native:
            share = wasm / native
            print(f"{nfft}/512: WebAssembly runs at {share:.2f} of native {name} "
                  f"(goal {told}: {verdict(share, goal)})")
