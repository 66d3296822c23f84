//! The range of levels that makes a picture legible.

/// Share of the cells that may lie below the floor: most of a recording is sea, and dark is right for it.
const FLOOR_SHARE: f64 = 0.25;
/// Share of the cells that may lie above the ceiling.
const CEILING_SHARE: f64 = 0.001;
/// The range is never narrower than this, or plain noise would be drawn as a pattern; dB.
const NARROWEST_DB: f64 = 30.0;
/// Nor wider than this: beyond it, faint calls lose their colours; dB.
const WIDEST_DB: f64 = 90.0;

/// Floor and ceiling in dB for a picture of power, columns one after another with `rows` values each.
///
/// The lowest `skip_rows` rows are left out (a real recording's DC and hull noise stand 40 dB above
/// everything else), and so are cells without a positive, finite power (gaps). `None` where no cell
/// is left.
pub fn contrast(power: &[f32], rows: usize, skip_rows: usize) -> Option<(f64, f64)> {
    let mut levels: Vec<f32> = power
        .chunks(rows.max(1))
        .flat_map(|column| column.iter().skip(skip_rows))
        .filter(|p| **p > 0.0 && p.is_finite())
        .map(|p| 10.0 * p.log10())
        .collect();
    let last = levels.len().checked_sub(1)?;
    let mut at_share = |share: f64| {
        let k = (share * last as f64).round() as usize;
        f64::from(*levels.select_nth_unstable_by(k, f32::total_cmp).1)
    };
    let floor = at_share(FLOOR_SHARE);
    let ceiling = at_share(1.0 - CEILING_SHARE);
    let span = (ceiling - floor).clamp(NARROWEST_DB, WIDEST_DB);
    // A picture wider than the limit gives up its darkest part: what is loud is looked for first.
    let floor = (floor.max(ceiling - span)).round();
    Some((floor, (floor + span).round()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contrast_ignores_a_dc_that_stands_40_db_above_everything() {
        // 100 columns of 64 rows at −90 dB, one call cell in a hundred at −50 dB, DC at −10 dB.
        let mut picture = vec![1e-9f32; 6400];
        for (c, column) in picture.chunks_mut(64).enumerate() {
            column[0] = 0.1;
            column[1] = 0.1;
            column[20 + c % 3] = 1e-5;
        }
        assert_eq!(contrast(&picture, 64, 2), Some((-90.0, -50.0)));
    }

    #[test]
    fn gaps_have_no_say_in_the_contrast() {
        let mut picture = vec![0.0f32; 1000];
        picture[999] = f32::NAN;
        assert_eq!(contrast(&picture, 10, 1), None);
        picture[500..600].fill(1e-8);
        assert_eq!(contrast(&picture, 10, 1), Some((-80.0, -50.0)));
        assert_eq!(contrast(&[], 0, 0), None);
    }
}
