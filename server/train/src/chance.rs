//! Chance that is named: by the seed, by what is drawn, and by which one of these it is. What was drawn
//! before changes nothing, so that a run can go on anywhere, and workers draw side by side.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The stream of one drawing.
pub fn chance(seed: u64, what: &str, numbers: &[u64]) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&(what.len() as u64).to_le_bytes());
    hasher.update(what.as_bytes());
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}
