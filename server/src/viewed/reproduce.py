# What was seen, by scipy and matplotlib alone:  pip install numpy scipy matplotlib soundfile
#   python view.py                 fetches the samples, prints what was measured, and draws view.png
#   python view.py recording.flac  takes them from that file instead
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
    """One channel of the stretch FIRST to LAST; NaN where nothing was recorded."""
    return np.asarray(fetched(), dtype=float)


def fetched():
    """The same as it comes."""
    if len(sys.argv) > 1:
        import soundfile
        heard, _ = soundfile.read(sys.argv[1], dtype="float32", always_2d=True,
                                  start=FIRST_FRAME, stop=FIRST_FRAME + LAST - FIRST)
        return heard[:, CHANNEL]
    # A closed server, and one that does not show this to everybody, ask for a token.
    tokens = {"spyhop-read-token": os.environ.get("SPYHOP_READ_TOKEN"),
              "authorization": os.environ.get("SPYHOP_TOKEN") and f"Bearer {os.environ['SPYHOP_TOKEN']}"}
    headers = {name: value for name, value in tokens.items() if value}
    with urllib.request.urlopen(urllib.request.Request(SAMPLES_URL, headers=headers)) as answer:
        content = io.BytesIO(answer.read())
    if IS_NUMPY:
        return np.load(content)[:, 0]
    import soundfile
    heard, _ = soundfile.read(content, dtype="float32", always_2d=True)
    return heard[FIRST:LAST, CHANNEL]


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


def measure(everything):
    """What Spyhop measures of the selection, with its context."""
    heard = everything[CONTEXT[0] - FIRST:CONTEXT[1] - FIRST]
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
    missing = np.concatenate([[0], np.cumsum(~np.isfinite(heard))])
    length, columns = FLATTENED["samples"], []
    for begin in FLATTENED["samples"] * (FLATTENED["first"] + np.arange(FLATTENED["columns"])):
        centres = np.array([begin + length // 2])
        if length > HOP_SAMPLES:
            centres = np.arange(-(-begin // HOP_SAMPLES) * HOP_SAMPLES, begin + length, HOP_SAMPLES)
        starts = centres - WINDOW_SAMPLES // 2 - FIRST
        starts = starts[(starts >= 0) & (starts + WINDOW_SAMPLES <= len(heard))]
        starts = starts[missing[starts + WINDOW_SAMPLES] == missing[starts]]
        if len(starts):
            columns.append(spectra(heard, sampled(starts)).mean(axis=1))
    return np.median(columns, axis=0)


def picture(heard):
    """Frequencies (Hz), times (s since START) and levels (dB) of the picture's frames."""
    heard = np.pad(heard, (0, max(0, WINDOW_SAMPLES - len(heard))))
    centres = np.arange(CENTRES[0], SHOWN[1], CENTRES[1])
    # At the ends of what was recorded frames are moved inwards.
    starts = np.clip(centres - WINDOW_SAMPLES // 2 - FIRST, 0, len(heard) - WINDOW_SAMPLES)
    level, hz = spectra(heard, starts), bins()
    level = level / medians(heard)[:, None] if FLATTENED else level * gain(hz)[:, None]
    return hz, (centres - SHOWN[0]) / RATE_HZ, 10 * np.log10(np.maximum(level, 1e-30))


def draw(heard):
    """The picture, with clock or elapsed time below."""
    matplotlib.use("Agg")
    from matplotlib import pyplot
    hz, times, level = picture(heard)
    figure, axes = pyplot.subplots(figsize=(12, 6), dpi=150)
    mesh = axes.pcolormesh(times, hz, np.ma.masked_invalid(level), cmap=COLOURS,
                           vmin=RANGE_DB[0], vmax=RANGE_DB[1], shading="nearest", rasterized=True)
    if AXIS == "mel":
        axes.set_yscale("function", functions=(lambda f: 1127 * np.log1p(np.maximum(f, 0) / 700),
                                               lambda mel: 700 * np.expm1(mel / 1127)))
    else:
        axes.set_yscale(AXIS)
    axes.set(title=TITLE, xlabel=f"Time (s) since {START}", ylabel="Frequency (Hz)", ylim=SHOWN_HZ,
             xlim=(0, (SHOWN[1] - SHOWN[0]) / RATE_HZ))
    figure.colorbar(mesh, label=UNIT)
    figure.savefig("view.png")
    pyplot.close(figure)


if __name__ == "__main__":
    HEARD = samples()
    print(json.dumps(measure(HEARD), indent=2))
    draw(HEARD)
