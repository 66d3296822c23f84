//! Short links that were made in this browser, with their edit keys: whoever made one changes it here.

use serde::{Deserialize, Serialize};
use spyhop_api::{MadeShare, Timestamp};

use crate::browser_store::{self, Browser};

/// Where they are kept.
const KEY: &str = "spyhop.shares";
/// Older ones are forgotten here; they stay on the server until their time is over.
const MOST: usize = 200;

/// A short link of this browser's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptShare {
    pub id: String,
    pub title: String,
    /// Its page, relative to the server.
    pub path: String,
    /// Empty where it was made elsewhere: then it is asked for.
    pub edit_key: String,
    /// When it goes, nanoseconds since 1970.
    pub expires_ns: Option<i64>,
}

impl KeptShare {
    /// What is kept of a new one.
    pub fn of(made: &MadeShare) -> KeptShare {
        KeptShare {
            id: made.share.id.clone(),
            title: made.share.title.clone(),
            path: made.share.path.clone(),
            edit_key: made.edit_key.clone(),
            expires_ns: made.share.expires.map(|t| t.0),
        }
    }
}

/// All of them whose time is not over, the newest first.
pub fn all(now: Timestamp) -> Vec<KeptShare> {
    // What can't be read is laid aside, with its keys in it.
    let mut kept: Vec<KeptShare> = browser_store::read(&Browser, KEY, &mut Vec::new());
    kept.retain(|share| share.expires_ns.is_none_or(|expires| expires > now.0));
    kept
}

/// Keeps one in front of all others, or in its place where it is among them; false where the browser keeps
/// nothing.
pub fn keep(share: KeptShare) -> bool {
    browser_store::change(&Browser, KEY, |kept| *kept = with(std::mem::take(kept), share))
}

/// Forgets one.
pub fn forget(id: &str) {
    // A browser that keeps nothing has nothing to forget.
    let _ = browser_store::change(&Browser, KEY, |kept: &mut Vec<KeptShare>| {
        kept.retain(|share| share.id != id);
    });
}

fn with(mut kept: Vec<KeptShare>, share: KeptShare) -> Vec<KeptShare> {
    match kept.iter_mut().find(|held| held.id == share.id) {
        Some(held) => *held = share,
        None => kept.insert(0, share),
    }
    kept.truncate(MOST);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_link_comes_first_and_one_that_was_changed_stays_where_it_was() {
        let share = |id: usize, title: &str| KeptShare {
            id: id.to_string(),
            title: title.into(),
            ..KeptShare::default()
        };
        let kept = (0..MOST + 5).fold(Vec::new(), |kept, id| with(kept, share(id, "")));
        assert_eq!((kept.len(), &*kept[0].id, &*kept[MOST - 1].id), (MOST, "204", "5"));
        let kept = with(kept, share(203, "New words"));
        assert_eq!((kept.len(), &*kept[1].title), (MOST, "New words"));
    }
}
