//! In which order windows are seen: another one each epoch, and a pure function of seed and epoch.

use rand::Rng;
use rand::seq::SliceRandom;
use spyhop_config::Balance;

use crate::chance::chance;

/// The windows of an epoch, as indices into `classes`, which holds the class of each.
pub fn order(
    classes: &[usize],
    balance: Balance,
    epoch_windows: usize,
    seed: u64,
    epoch: usize,
) -> Vec<usize> {
    let mut chance = chance(seed, "order", &[epoch as u64]);
    let kinds = classes.iter().max().map_or(0, |most| most + 1);
    let mut by_class = vec![Vec::new(); kinds];
    for (index, class) in classes.iter().enumerate() {
        by_class[*class].push(index);
    }
    by_class.retain(|windows| !windows.is_empty());
    let wanted = if epoch_windows == 0 { classes.len() } else { epoch_windows };
    match balance {
        Balance::Replacement if !by_class.is_empty() => (0..wanted)
            .map(|_| {
                // In inverse proportion to a class's number is: each class alike, then each window of it.
                let class = &by_class[chance.random_range(0..by_class.len())];
                class[chance.random_range(0..class.len())]
            })
            .collect(),
        Balance::RemoveExcess => {
            let least = by_class.iter().map(Vec::len).min().unwrap_or(0);
            for windows in &mut by_class {
                windows.shuffle(&mut chance);
                windows.truncate(least);
            }
            let mut all: Vec<usize> = by_class.into_iter().flatten().collect();
            all.shuffle(&mut chance);
            if epoch_windows > 0 {
                all.truncate(epoch_windows);
            }
            all
        }
        Balance::None | Balance::Replacement => {
            let mut all: Vec<usize> = (0..classes.len()).collect();
            all.shuffle(&mut chance);
            all.truncate(wanted);
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Vec<usize> {
        (0..10_000).map(|i| usize::from(i % 32 != 0)).collect()
    }

    fn positives(order: &[usize]) -> usize {
        order.iter().filter(|i| classes()[**i] == 0).count()
    }

    #[test]
    fn drawing_with_replacement_makes_classes_alike() {
        let order = order(&classes(), Balance::Replacement, 0, 1, 0);
        assert_eq!(order.len(), 10_000);
        // Five standard errors of a half of 10 000.
        assert!((positives(&order) as f64 - 5000.0).abs() < 250.0);
    }

    #[test]
    fn the_excess_of_a_class_is_left_out_and_another_one_each_epoch() {
        let first = order(&classes(), Balance::RemoveExcess, 0, 1, 0);
        assert_eq!((first.len(), positives(&first)), (2 * 313, 313));
        let second = order(&classes(), Balance::RemoveExcess, 0, 1, 1);
        assert_ne!(first, second);
        assert_eq!(first, order(&classes(), Balance::RemoveExcess, 0, 1, 0));
    }

    #[test]
    fn without_balance_each_window_comes_once() {
        let mut all = order(&classes(), Balance::None, 0, 1, 0);
        assert_eq!(order(&classes(), Balance::None, 100, 1, 0), all[..100]);
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..10_000));
    }
}
