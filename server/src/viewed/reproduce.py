# What was seen, by scipy and matplotlib alone:  pip install numpy scipy matplotlib soundfile
#   python view.py                      fetches the samples, prints what was measured, and draws view.png
#   python view.py a.flac b.flac        takes them from these recordings instead
# The tokens of a server that asks for one come from SPYHOP_READ_TOKEN and SPYHOP_TOKEN, not from here.
import io
import json
import os
import sys
import urllib.request

import matplotlib
import numpy as np
from scipy import fft, signal

#PARAMETERS#


def samples():
    """One channel of the line's pieces that are needed, by where each begins; NaN where nothing was recorded."""
    if len(sys.argv) > 1:
        return of_files(sys.argv[1:])
    if IS_NUMPY:
        address = {first: SAMPLES_URL.replace("{start}", start).replace("{end}", end)
                   for first, _, start, end in PIECES}
        return {first: np.load(fetched(url))[:, 0] for first, url in address.items()}
    import soundfile
    heard, _ = soundfile.read(fetched(SAMPLES_URL), dtype="float32", always_2d=True)
    return {first: heard[first:last, CHANNEL] for first, last, _, _ in PIECES}


def fetched(url):
    """What lies at an address."""
    # A closed server, and one that does not show this to everybody, ask for a token.
    tokens = {"spyhop-read-token": os.environ.get("SPYHOP_READ_TOKEN"),
              "authorization": os.environ.get("SPYHOP_TOKEN") and f"Bearer {os.environ['SPYHOP_TOKEN']}"}
    headers = {name: value for name, value in tokens.items() if value}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return io.BytesIO(answer.read())


def of_files(paths):
    """The samples that lie in recordings, known by their names; one alone may have another."""
    import soundfile
    names = {os.path.basename(path): path for path in paths}
    known = {name for name, *_ in RECORDED}
    if len(known) == len(paths) == 1:
        names = dict.fromkeys(known, paths[0])
    pieces = {}
    for name, position, frame, frames in RECORDED:
        if name in names:
            heard, _ = soundfile.read(names[name], dtype="float32", always_2d=True, start=frame, stop=frame + frames)
            pieces[position] = heard[:, CHANNEL]
    if not pieces:
        sys.exit(f"the view is of {', '.join(sorted(known))}: give these files")
    return pieces


def cut(heard, first, last):
    """The samples from one position of the line to another; NaN where there is none."""
    out = np.full(last - first, np.nan)
    for begin, piece in heard.items():
        start, end = max(first, begin), min(last, begin + len(piece))
        if start < end:
            out[start - first:end - first] = piece[start - begin:end - begin]
    return out


def window():
    """The window's coefficients."""
    if WINDOW == "hann-sym":
        return signal.get_window("hann", WINDOW_SAMPLES, fftbins=False)
    if WINDOW.startswith("kaiser"):
        return signal.get_window(("kaiser", float(WINDOW[6:])), WINDOW_SAMPLES)
    return signal.get_window(WINDOW, WINDOW_SAMPLES)


def gain(hz):
    """Power of pressure over power of full scale; outside of a table nothing is known."""
    if CALIBRATION_DB is None:
        return np.ones_like(hz)
    if np.isscalar(CALIBRATION_DB):
        return np.full_like(hz, 10 ** (CALIBRATION_DB / 10))
    at, db = np.array(CALIBRATION_DB).T
    inside = np.interp(np.log10(np.maximum(hz, 1e-9)), np.log10(at), db)
    return np.where((hz >= at[0]) & (hz <= at[-1]), 10 ** (inside / 10), 0.0)


def spectra(heard, starts):
    """Power (bins, frames) of the frames that begin at these samples, of full scale."""
    taper = window()
    frames = np.lib.stride_tricks.sliding_window_view(heard, WINDOW_SAMPLES)[starts]
    two_sided = np.abs(np.fft.rfft(frames * taper, FFT_SIZE)) ** 2
    scale = (taper ** 2).sum() * RATE_HZ if SCALING == "density" else taper.sum() ** 2
    two_sided[:, 1:(FFT_SIZE + 1) // 2] *= 2
    return two_sided.T / scale


def bins():
    """Frequencies of the bins, Hz."""
    return np.fft.rfftfreq(FFT_SIZE, 1 / RATE_HZ)


def measure(heard):
    """What Spyhop measures of the selection, with its context; nothing where nothing is one stretch of sound."""
    if SELECTED is None:
        return {}
    heard = cut(heard, *CONTEXT)
    centred = np.where(np.isfinite(heard), heard - np.nanmean(heard), 0.0)
    length = fft.next_fast_len(len(centred), real=True)
    spectrum = fft.rfft(centred, length)
    hz = np.arange(len(spectrum)) * RATE_HZ / length
    spectrum *= np.sqrt(gain(hz)) * ((hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1]))
    inside = slice(SELECTED[0] - CONTEXT[0], SELECTED[1] - CONTEXT[0])
    band = fft.irfft(spectrum, length)[:len(centred)][inside]
    known = np.isfinite(heard[inside])
    total = (band ** 2).sum()
    share = np.concatenate([[0.0], np.cumsum(band ** 2)]) / total
    time = [np.interp(part, share, np.arange(len(share))) for part in (0.05, 0.95)]
    chosen = centred[inside]
    chosen = np.pad(chosen, (0, max(0, WINDOW_SAMPLES - len(chosen))))
    starts = np.arange((len(chosen) - WINDOW_SAMPLES) // HOP_SAMPLES + 1) * HOP_SAMPLES
    at = bins()
    frames = spectra(chosen, starts) * gain(at)[:, None]
    if len(band) >= WINDOW_SAMPLES:
        # A frame counts where its centre was recorded.
        frames = frames[:, known[np.arange(frames.shape[1]) * HOP_SAMPLES + WINDOW_SAMPLES // 2]]
    mean = frames.mean(axis=1)
    allowed = np.flatnonzero((at >= BAND_HZ[0]) & (at <= BAND_HZ[1]) & (np.arange(len(at)) >= 2))
    top = allowed[np.argmax(mean[allowed])]
    peak_hz, peak_db = at[top], 10 * np.log10(mean[top])
    if top + 1 < len(mean):
        left, right = 10 * np.log10(mean[[top - 1, top + 1]])
        bend = left - 2 * peak_db + right
        if bend < 0 and peak_db >= max(left, right):
            offset = 0.5 * (left - right) / bend
            peak_hz, peak_db = (top + offset) * at[1], peak_db - 0.25 * (left - right) * offset
    measures = {
        "rms_db": 10 * np.log10(total / known.sum()),
        "peak_db": 20 * np.log10(np.abs(band).max()),
        "exposure_db": 10 * np.log10(total / RATE_HZ),
        "duration_90_s": (time[1] - time[0]) / RATE_HZ,
        "peak_hz": peak_hz,
        "peak_density_db": peak_db,
    }
    return {name: float(value) for name, value in measures.items()}


def sampled(starts):
    """Some frames of a column, in pairs from the middles of equal parts of it."""
    most = FLATTENED["frames"]
    if len(starts) <= most:
        return starts
    chosen = []
    for part in range(most // 2):
        nth = (2 * part + 1) * len(starts) // (2 * (most // 2))
        pair = starts[nth:nth + 2]
        if len(pair) < 2 or pair[1] - pair[0] != HOP_SAMPLES:
            pair = starts[max(nth - 1, 0):nth + 1]
        chosen.extend(pair)
    return chosen


def medians(heard):
    """Each bin's median power around what is shown, to be taken off."""
    if "power" in FLATTENED:
        return np.array(FLATTENED["power"])
    length, columns = FLATTENED["samples"], []
    for run in FLATTENED["runs"]:
        first = run[0] * length - WINDOW_SAMPLES
        sound = cut(heard, first, run[1] * length + WINDOW_SAMPLES)
        missing = np.concatenate([[0], np.cumsum(~np.isfinite(sound))])
        for begin in length * np.arange(*run):
            centres = np.array([begin + length // 2])
            if length > HOP_SAMPLES:
                centres = np.arange(-(-begin // HOP_SAMPLES) * HOP_SAMPLES, begin + length, HOP_SAMPLES)
            starts = centres - WINDOW_SAMPLES // 2 - first
            starts = starts[missing[starts + WINDOW_SAMPLES] == missing[starts]]
            if len(starts):
                columns.append(spectra(sound, sampled(starts)).mean(axis=1))
    # Where nothing was recorded around the middle there is nothing to compare with.
    return np.median(columns, axis=0) if columns else np.full(FFT_SIZE // 2 + 1, np.nan)


def framed(heard, centres):
    """Power (bins, frames) of the frames around some positions of a stretch; NaN where nothing was recorded."""
    first = centres[0] - 2 * WINDOW_SAMPLES
    sound = cut(heard, first, centres[-1] + 2 * WINDOW_SAMPLES)
    known = np.isfinite(sound)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    if not len(edges):
        return np.full((FFT_SIZE // 2 + 1, len(centres)), np.nan)
    begins, ends = edges[::2], edges[1::2]
    at = centres - first
    # At the ends of what was recorded frames are moved inwards; what is shorter has silence around it.
    run = np.minimum(np.searchsorted(ends, at, side="right"), len(ends) - 1)
    inwards = np.clip(at - WINDOW_SAMPLES // 2, begins[run], np.maximum(ends[run] - WINDOW_SAMPLES, begins[run]))
    is_long = ends[run] - begins[run] >= WINDOW_SAMPLES
    level = spectra(np.where(known, sound, 0.0), np.where(is_long, inwards, at - WINDOW_SAMPLES // 2))
    level[:, (at < begins[run]) | (at >= ends[run])] = np.nan
    return level


def picture(heard):
    """Frequencies (Hz), times (s from the left edge) and levels (dB) of the picture's frames."""
    times, levels = [], []
    for begins_s, shown, _, (first, step) in STRETCHES:
        centres = np.arange(first, max(shown[1], first + 1), step)
        times.append(begins_s + (centres - shown[0]) / RATE_HZ)
        levels.append(framed(heard, centres))
    times, level, hz = np.concatenate(times), np.concatenate(levels, axis=1), bins()
    level = level / medians(heard)[:, None] if FLATTENED else level * gain(hz)[:, None]
    return hz, times, 10 * np.log10(np.maximum(level, 1e-30))


def draw(heard):
    """The picture, with clock or elapsed time below."""
    matplotlib.use("Agg")
    from matplotlib import pyplot
    hz, times, level = picture(heard)
    figure, axes = pyplot.subplots(figsize=(12, 6), dpi=150, layout="constrained")
    mesh = axes.pcolormesh(times, hz, np.ma.masked_invalid(level), cmap=COLOURS,
                           vmin=RANGE_DB[0], vmax=RANGE_DB[1], shading="nearest", rasterized=True)
    if AXIS == "mel":
        axes.set_yscale("function", functions=(lambda f: 1127 * np.log1p(np.maximum(f, 0) / 700),
                                               lambda mel: 700 * np.expm1(mel / 1127)))
    else:
        axes.set_yscale(AXIS)
    axes.set(title=TITLE, xlabel=f"Time (s) since {START}", ylabel="Frequency (Hz)", ylim=SHOWN_HZ,
             xlim=(0, SHOWN_S))
    if len(STRETCHES) > 1:
        folds(axes)
    figure.colorbar(mesh, label=UNIT)
    figure.savefig("view.png")
    pyplot.close(figure)


def folds(axes):
    """Where gaps are folded away, and when each stretch began."""
    for begins_s, _, _, _ in STRETCHES[1:]:
        axes.axvline(begins_s, color="white", linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xlabel(f"Time shown (s) since {START}, gaps folded away")
    named = STRETCHES[::-(-len(STRETCHES) // 6)]
    above = axes.secondary_xaxis("top")
    above.set_xticks([begins_s for begins_s, _, _, _ in named], [moment for _, _, moment, _ in named],
                     fontsize=7, rotation=15, ha="left")


if __name__ == "__main__":
    HEARD = samples()
    print(json.dumps(measure(HEARD), indent=2))
    draw(HEARD)
