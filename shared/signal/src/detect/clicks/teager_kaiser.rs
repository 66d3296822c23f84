//! The Teager–Kaiser operator, averaged over the length of a click.

/// Energy of a stream of samples.
pub(super) struct TeagerKaiser {
    /// Values that are averaged, odd.
    length: usize,
    pending: Vec<f32>,
    /// Position of the first pending sample.
    first: i64,
    energy: Vec<f32>,
    output: Vec<f32>,
}

impl TeagerKaiser {
    /// Averages over so many samples.
    pub fn new(length: usize) -> TeagerKaiser {
        let (pending, energy, output) = (Vec::new(), Vec::new(), Vec::new());
        TeagerKaiser { length: length | 1, pending, first: 0, energy, output }
    }

    /// How far around a sample others have a say in its energy.
    pub fn reach(&self) -> i64 {
        self.length as i64 / 2 + 1
    }

    /// Takes samples from a position on; gives energies of those whose surroundings are known.
    pub fn push(&mut self, position: i64, samples: &[f32], give: &mut dyn FnMut(i64, &[f32])) {
        if position != self.first + self.pending.len() as i64 {
            self.pending.clear();
            self.first = position;
        }
        self.pending.extend_from_slice(samples);
        teager_kaiser(&self.pending, &mut self.energy);
        self.output.clear();
        let scale = 1.0 / self.length as f32;
        let means = self.energy.windows(self.length);
        self.output.extend(means.map(|under| under.iter().sum::<f32>() * scale));
        if !self.output.is_empty() {
            give(self.first + self.reach(), &self.output);
        }
        self.pending.drain(..self.output.len());
        self.first += self.output.len() as i64;
    }

    /// Forgets what it holds.
    pub fn finish(&mut self) {
        self.pending.clear();
    }
}

/// Ψ[n] = x[n]² − x[n−1]·x[n+1] of all samples but the first and the last.
fn teager_kaiser(samples: &[f32], energy: &mut Vec<f32>) {
    energy.clear();
    energy.extend(samples.windows(3).map(|x| x[1] * x[1] - x[0] * x[2]));
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use serde_json::Value;

    use super::*;

    #[test]
    fn energies_are_numpys() {
        let fixture = include_str!("../../../tests/fixtures/numpy_detect.json");
        let fixture: Value = serde_json::from_str(fixture).expect("valid JSON");
        let numbers = |key: &str| -> Vec<f64> {
            let values = fixture["teager_kaiser"][key].as_array().expect("an array");
            values.iter().map(|v| v.as_f64().expect("a number")).collect()
        };
        let samples: Vec<f32> = numbers("samples").iter().map(|x| *x as f32).collect();
        let theirs = numbers("energy");
        let mut ours = Vec::new();
        let mut operator = TeagerKaiser::new(
            fixture["teager_kaiser"]["length"].as_u64().expect("a count") as usize,
        );
        let mut first = None;
        for (at, part) in samples.chunks(61).enumerate() {
            operator.push(61 * at as i64, part, &mut |position, energies| {
                first.get_or_insert(position);
                ours.extend_from_slice(energies);
            });
        }
        assert_eq!(first, Some(operator.reach()));
        assert_eq!(ours.len(), theirs.len());
        for (a, b) in ours.iter().zip(theirs) {
            // Squares in float32 of samples up to 1 against float64; the difference of two of them.
            assert!((f64::from(*a) - b).abs() < 3e-7, "{a} for {b}");
        }
    }

    #[test]
    fn a_tones_energy_is_the_square_of_amplitude_and_frequency() {
        let omega = TAU * 0.1;
        let samples: Vec<f32> =
            (0..200).map(|n| (0.3 * (omega * f64::from(n)).sin()) as f32).collect();
        let mut energy = Vec::new();
        teager_kaiser(&samples, &mut energy);
        // Kaiser 1990: A²·sin²(Ω).
        let expected = 0.09 * omega.sin().powi(2);
        assert!(energy.iter().all(|e| (f64::from(*e) - expected).abs() < 1e-7));
    }
}
