//! Colours of everything that is not a level: dark and light.

use crate::colour::Colour;

/// Colours of axes, boxes and marks. Text meets WCAG AA (4.5:1) on `background` and `panel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Behind everything.
    pub background: Colour,
    /// Behind the waveform and the curves.
    pub panel: Colour,
    /// Titles and labels.
    pub text: Colour,
    /// Ticks' labels, units, notes.
    pub text_dim: Colour,
    /// Axis lines and ticks.
    pub axis: Colour,
    /// Lines across a plot at its ticks.
    pub grid: Colour,
    /// Where nothing was recorded.
    pub gap: Colour,
    /// Stripes on `gap`.
    pub gap_hatch: Colour,
    /// Where the picture is still being computed.
    pub pending: Colour,
    /// Waveform, from its minimum to its maximum.
    pub wave: Colour,
    /// Waveform, its RMS.
    pub wave_rms: Colour,
    /// Selection box.
    pub selection: Colour,
    /// Annotation boxes.
    pub annotation: Colour,
    /// What is wrong with a recording.
    pub fault: Colour,
    /// First and second cursor.
    pub cursors: [Colour; 2],
    /// Crosshair under the pointer.
    pub crosshair: Colour,
    /// Play head.
    pub playhead: Colour,
    /// Behind text that stands on a picture.
    pub label_backdrop: Colour,
}

impl Theme {
    /// Light marks on a dark ground.
    pub const fn dark() -> Theme {
        Theme {
            background: Colour::hex(0x0d1117),
            panel: Colour::hex(0x131922),
            text: Colour::hex(0xe8edf3),
            text_dim: Colour::hex(0xa3b0bf),
            axis: Colour::hex(0x66758a),
            grid: Colour::hex(0x9fb0c4).with_alpha(40),
            gap: Colour::hex(0x1a2029),
            gap_hatch: Colour::hex(0x2f3947),
            pending: Colour::hex(0x1c2733),
            wave: Colour::hex(0x4f9fd6),
            wave_rms: Colour::hex(0x9ad1f5),
            selection: Colour::hex(0x7fe3ff),
            annotation: Colour::hex(0xffd166),
            fault: Colour::hex(0xff9b8f),
            cursors: [Colour::hex(0x6ee7a8), Colour::hex(0xff9fd0)],
            crosshair: Colour::hex(0xffffff).with_alpha(150),
            playhead: Colour::hex(0xffffff),
            label_backdrop: Colour::hex(0x0d1117).with_alpha(205),
        }
    }

    /// Dark marks on a light ground, as printed.
    pub const fn light() -> Theme {
        Theme {
            background: Colour::hex(0xffffff),
            panel: Colour::hex(0xf4f6f9),
            text: Colour::hex(0x16202b),
            text_dim: Colour::hex(0x4d5a68),
            axis: Colour::hex(0x7a8797),
            grid: Colour::hex(0x1d2c3f).with_alpha(36),
            gap: Colour::hex(0xe9ecf0),
            gap_hatch: Colour::hex(0xcbd2da),
            pending: Colour::hex(0xdfe5ec),
            wave: Colour::hex(0x2f7fb8),
            wave_rms: Colour::hex(0x0f4f80),
            selection: Colour::hex(0x0089b3),
            annotation: Colour::hex(0xb86b00),
            fault: Colour::hex(0xb3261e),
            cursors: [Colour::hex(0x0a8f4d), Colour::hex(0xc2185b)],
            crosshair: Colour::hex(0x000000).with_alpha(140),
            playhead: Colour::hex(0x111111),
            label_backdrop: Colour::hex(0xffffff).with_alpha(220),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_meets_wcag_aa_on_both_themes() {
        for theme in [Theme::dark(), Theme::light()] {
            for ground in [theme.background, theme.panel] {
                for text in [theme.text, theme.text_dim] {
                    assert!(text.contrast(ground) >= 4.5, "{text:?} on {ground:?}");
                }
                // Marks that carry meaning: 3:1 (WCAG 1.4.11).
                for mark in [theme.wave, theme.selection, theme.annotation, theme.fault, theme.axis]
                {
                    assert!(mark.contrast(ground) >= 3.0, "{mark:?} on {ground:?}");
                }
            }
        }
    }

    #[test]
    fn a_gap_and_a_pending_area_do_not_look_alike() {
        for theme in [Theme::dark(), Theme::light()] {
            assert!(theme.gap_hatch.contrast(theme.gap) > 1.15);
            assert_ne!(theme.gap, theme.pending);
        }
    }
}
