//! What long-term levels and quality cost: `cargo bench -p spyhop-signal --bench levels`.

use criterion::{Criterion, criterion_group, criterion_main};
use spyhop_api::Timestamp;
use spyhop_signal::levels::{
    AverageSpec, BandPower, MillidecadeEdition, SpectrumAverager, hybrid_millidecades,
};

/// A minute of noise from a generator without state beyond one number.
fn minute(rate: f64) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as f32 / 4e11 - 0.005
    };
    (0..(60.0 * rate) as usize).map(|_| next()).collect()
}

fn levels(c: &mut Criterion) {
    for rate in [2000.0, 48_000.0, 192_000.0] {
        let samples = minute(rate);
        let bands = hybrid_millidecades(rate, MillidecadeEdition::Published);
        let spec = AverageSpec::minute(rate);
        let split = BandPower::new(&bands, spec.spectrum.bin_hz(), spec.spectrum.bins());
        c.bench_function(&format!("millidecade minute/{rate}"), |b| {
            b.iter(|| {
                let mut averager = SpectrumAverager::new(&spec).expect("a sound spec");
                let mut rows = Vec::new();
                averager.begin(Timestamp(0));
                averager.push(&samples, &mut rows);
                averager.finish(&mut rows);
                rows.iter().map(|r| split.mean_densities(&r.density)).collect::<Vec<_>>()
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = levels
}
criterion_main!(benches);
