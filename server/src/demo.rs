//! The demo: three deployments that this program synthesises, with the truth about them.
//!
//! What is planned (`gulf_night`, `bank_in_march`, `winter_song`, `season`) is drawn from a seed; how
//! it sounds at the hydrophone is then a pure function of the plan, so files are made in parallel, in
//! any order, and again after an interruption, and come out the same.

mod airgun;
mod baleen;
mod bank_in_march;
mod chance;
mod echolocation;
mod folder;
mod gulf_night;
mod level;
mod noise;
mod propagation;
mod pulse;
mod right_whale;
mod scene;
mod sea;
mod season;
mod shrimp;
mod song;
mod sperm_whale;
mod stories;
mod stretch;
mod tone;
mod truth;
mod vessel;
mod whistle;
mod winter_song;

#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod heard;

pub use folder::{DemoError, Folder};
pub use scene::Scene;
pub use stories::put as put_stories;

use chance::Seed;

/// Changes whenever the same seed would give other samples or other times; existing demos are then made anew.
pub const VERSION: u32 = 2;

/// Plans the demo's deployments: three, and with `days` a fourth of so many days.
pub fn plan(seed: u64, days: Option<usize>) -> Vec<Scene> {
    let seed = Seed(seed);
    let mut scenes =
        vec![gulf_night::plan(seed), bank_in_march::plan(seed), winter_song::plan(seed)];
    scenes.extend(days.map(|days| season::plan(seed, days)));
    scenes
}
