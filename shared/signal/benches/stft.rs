//! Throughput of the short-time Fourier transform: `cargo bench -p spyhop-signal --bench stft`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spyhop_signal::spectrum::Stft;

#[path = "../examples/stft_speed/work.rs"]
mod work;

fn stft(c: &mut Criterion) {
    let x = work::noise();
    let mut group = c.benchmark_group("stft");
    group.throughput(Throughput::Elements(x.len() as u64));
    for fft_size in work::FFT_SIZES {
        let mut stft = Stft::new(&work::spec(fft_size)).expect("a sane spec");
        let mut power = Vec::new();
        group.bench_function(format!("spectrogram/{fft_size}"), |b| {
            b.iter(|| work::spectrogram(&mut stft, &x, &mut power));
        });
        group.bench_function(format!("columns/{fft_size}"), |b| {
            b.iter(|| work::columns_of_64(&mut stft, &x, &mut power));
        });
    }
    group.finish();
}

criterion_group!(benches, stft);
criterion_main!(benches);
