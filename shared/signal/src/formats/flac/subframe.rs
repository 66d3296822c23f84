//! The samples of one channel in a FLAC frame: constant, verbatim, or predicted with a residual.

use super::bits::Bits;

/// Decodes one subframe of `bits`-bit samples into `samples`, whose length is the block's.
pub(super) fn decode(b: &mut Bits<'_>, bits: u32, samples: &mut [i32]) -> Option<()> {
    if b.take(1)? != 0 {
        return None;
    }
    let kind = b.take(6)? as usize;
    let wasted = if b.take(1)? == 1 { b.unary()? + 1 } else { 0 };
    let bits = bits.checked_sub(wasted).filter(|&b| b > 0)?;
    match kind {
        0 => samples.fill(b.take_signed(bits)?),
        1 => {
            for sample in samples.iter_mut() {
                *sample = b.take_signed(bits)?;
            }
        }
        8..=12 => {
            let order = kind - 8;
            read_warm_up(b, bits, order, samples)?;
            read_residual(b, order, samples)?;
            restore_fixed(order, samples);
        }
        32..=63 => {
            let order = kind - 31;
            read_warm_up(b, bits, order, samples)?;
            let precision = b.take(4)? + 1;
            let shift = b.take_signed(5)?;
            if precision == 16 || shift < 0 {
                return None;
            }
            let mut coefficients = [0; 32];
            // Kept in the order of the samples they multiply.
            for c in coefficients[..order].iter_mut().rev() {
                *c = b.take_signed(precision)?;
            }
            read_residual(b, order, samples)?;
            let sum_bits = bits + precision + order.ilog2() + 1;
            restore_lpc(&coefficients[..order], shift as u32, sum_bits <= 31, samples);
        }
        _ => return None,
    }
    if wasted > 0 {
        for sample in samples.iter_mut() {
            *sample = sample.wrapping_shl(wasted);
        }
    }
    Some(())
}

fn read_warm_up(b: &mut Bits<'_>, bits: u32, order: usize, samples: &mut [i32]) -> Option<()> {
    for sample in samples.get_mut(..order)? {
        *sample = b.take_signed(bits)?;
    }
    Some(())
}

/// Reads what prediction leaves, behind the warm-up samples.
fn read_residual(b: &mut Bits<'_>, order: usize, samples: &mut [i32]) -> Option<()> {
    let parameter_bits = match b.take(2)? {
        0 => 4,
        1 => 5,
        _ => return None,
    };
    let escape = (1 << parameter_bits) - 1;
    let partitions = 1usize << b.take(4)?;
    if samples.len() % partitions != 0 || samples.len() / partitions < order {
        return None;
    }
    let length = samples.len() / partitions;
    for (i, partition) in samples.chunks_exact_mut(length).enumerate() {
        let residuals = if i == 0 { partition.get_mut(order..)? } else { partition };
        let parameter = b.take(parameter_bits)?;
        if parameter == escape {
            let bits = b.take(5)?;
            for r in residuals {
                *r = b.take_signed(bits)?;
            }
        } else {
            for r in residuals {
                *r = b.rice(parameter)?;
            }
        }
    }
    Some(())
}

/// Adds the fixed polynomial predictions (order 0 to 4) to the residuals. Wrapping, here and below,
/// because only a hostile frame overflows.
fn restore_fixed(order: usize, samples: &mut [i32]) {
    match order {
        1 => accumulate(order, samples, |[.., a]| a),
        2 => accumulate(order, samples, |[.., b, a]| a.wrapping_mul(2).wrapping_sub(b)),
        3 => accumulate(order, samples, |[_, c, b, a]| {
            a.wrapping_sub(b).wrapping_mul(3).wrapping_add(c)
        }),
        4 => accumulate(order, samples, |[d, c, b, a]| {
            a.wrapping_add(c).wrapping_mul(4).wrapping_sub(b.wrapping_mul(6)).wrapping_sub(d)
        }),
        _ => {}
    }
}

fn accumulate(order: usize, samples: &mut [i32], predict: impl Fn([i32; 4]) -> i32) {
    let mut past = [0; 4];
    for (i, sample) in samples.iter_mut().enumerate() {
        if i >= order {
            *sample = sample.wrapping_add(predict(past));
        }
        past = [past[1], past[2], past[3], *sample];
    }
}

/// Adds the linear prediction to the residuals. `narrow` says that sums fit 32 bits.
fn restore_lpc(coefficients: &[i32], shift: u32, narrow: bool, samples: &mut [i32]) {
    /// The loop with an order that the compiler knows, which it unrolls.
    fn run<const N: usize>(c: &[i32], shift: u32, narrow: bool, samples: &mut [i32]) {
        let Some(c) = c.first_chunk::<N>() else { return };
        for end in N..samples.len() {
            let (past, rest) = samples.split_at_mut(end);
            let (Some(past), Some(sample)) = (past.last_chunk::<N>(), rest.first_mut()) else {
                return;
            };
            let prediction = if narrow {
                let sum = (0..N).fold(0i32, |s, i| s.wrapping_add(past[i].wrapping_mul(c[i])));
                sum >> shift
            } else {
                wide_sum(past, c, shift)
            };
            *sample = sample.wrapping_add(prediction);
        }
    }
    match coefficients.len() {
        1 => run::<1>(coefficients, shift, narrow, samples),
        2 => run::<2>(coefficients, shift, narrow, samples),
        3 => run::<3>(coefficients, shift, narrow, samples),
        4 => run::<4>(coefficients, shift, narrow, samples),
        5 => run::<5>(coefficients, shift, narrow, samples),
        6 => run::<6>(coefficients, shift, narrow, samples),
        7 => run::<7>(coefficients, shift, narrow, samples),
        8 => run::<8>(coefficients, shift, narrow, samples),
        9 => run::<9>(coefficients, shift, narrow, samples),
        10 => run::<10>(coefficients, shift, narrow, samples),
        11 => run::<11>(coefficients, shift, narrow, samples),
        12 => run::<12>(coefficients, shift, narrow, samples),
        order => {
            for end in order..samples.len() {
                let prediction = wide_sum(&samples[end - order..end], coefficients, shift);
                samples[end] = samples[end].wrapping_add(prediction);
            }
        }
    }
}

fn wide_sum(past: &[i32], coefficients: &[i32], shift: u32) -> i32 {
    let products = past.iter().zip(coefficients).map(|(&s, &c)| i64::from(s) * i64::from(c));
    (products.sum::<i64>() >> shift) as i32
}
