//! The stories that lie beside the recordings: `stories/NAME.toml` in a place that is a folder.

use std::path::{Path, PathBuf};

use spyhop_api::{FileFailure, Story, Timestamp};

use super::{StoryFile, unkept};
use crate::place::Place;

/// The folder of a place that stories lie in.
pub const FOLDER: &str = "stories";
/// The ending of their files.
const ENDING: &str = "toml";
/// The longest file that is read, bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The stories of places. Their files are read when they are asked for: what is changed in one is there at
/// once.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    folders: Vec<PathBuf>,
}

impl Shelf {
    /// The stories of these places; one that is no folder has none.
    pub fn of(places: &[Place]) -> Shelf {
        let local = places.iter().filter(|place| place.is_local());
        Shelf { folders: local.map(|place| PathBuf::from(place.address()).join(FOLDER)).collect() }
    }

    /// All that can be played, by title, and what is wrong with the others.
    pub fn all(&self) -> (Vec<Story>, Vec<FileFailure>) {
        let (mut stories, mut failures) = (Vec::<Story>::new(), Vec::new());
        for path in self.files() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let fail = |reason: String| failures.push(FileFailure { name, reason });
            match read(&path) {
                Ok(story) if stories.iter().any(|other| other.id == story.id) => {
                    fail("another place has a story of this name: give it another".to_owned());
                }
                Ok(story) => stories.push(story),
                Err(reason) => fail(reason),
            }
        }
        stories.sort_by(|a, b| (&a.title, &a.id).cmp(&(&b.title, &b.id)));
        (stories, failures)
    }

    /// One of them; `None` where there is none of that name that can be played.
    pub fn story(&self, id: &str) -> Option<Story> {
        // The file is found by looking, never by a path that somebody sent.
        let path = self.files().into_iter().find(|path| name_of(path).as_deref() == Some(id))?;
        read(&path).ok()
    }

    /// The files, by place and name.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for folder in &self.folders {
            // A place without the folder has no stories.
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            let mut here: Vec<PathBuf> = entries
                .filter_map(|entry| {
                    let entry = entry.ok()?;
                    // A link may lead out of the place.
                    let is_file = entry.file_type().ok()?.is_file();
                    let path = entry.path();
                    let is_story = path.extension().is_some_and(|ending| ending == ENDING);
                    (is_file && is_story).then_some(path)
                })
                .collect();
            here.sort();
            files.extend(here);
        }
        files
    }
}

/// What a story's file is called without its ending, where that may stand in an address.
fn name_of(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_str()?;
    let may_stand = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!name.is_empty() && name.chars().all(may_stand)).then(|| name.to_owned())
}

/// Reads a story's file; the error says what is wrong and where.
pub fn read(path: &Path) -> Result<Story, String> {
    let id = name_of(path).ok_or(
        "its name stands in the story's address: letters, digits, - and _ alone, as \
         a-night-with-dolphins.toml",
    )?;
    let unreadable = |error: std::io::Error| format!("it can't be read ({error})");
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if about.len() > MOST_BYTES {
        return Err(format!("it is {} bytes long; {MOST_BYTES} at most", about.len()));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let asked = StoryFile::parse(&text).map_err(|error| error.to_string())?;
    let since = about.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    let written = Timestamp(since.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(0)));
    Ok(Story { listed: true, ..unkept(asked, &id, written) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "title = 'Night'\n[[steps]]\nview = 'src=set:night'\n";

    #[test]
    fn a_broken_story_is_told_with_its_line_and_stops_no_other() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join(FOLDER);
        std::fs::create_dir(&folder).expect("made");
        let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("put");
        put("night.toml", STORY);
        put("broken.toml", &STORY.replace("title", "titel"));
        put("a name.toml", STORY);
        put("notes.txt", "not one");
        std::fs::write(place.path().join("outside.toml"), STORY).expect("put");
        #[cfg(unix)]
        std::os::unix::fs::symlink(place.path().join("outside.toml"), folder.join("link.toml"))
            .expect("linked");
        let at = place.path().display().to_string();
        let shelf = Shelf::of(&[Place::at(&at).expect("a place")]);
        let (stories, failures) = shelf.all();
        let ids: Vec<&str> = stories.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["night"]);
        let told: Vec<(&str, &str)> =
            failures.iter().map(|f| (f.name.as_str(), f.reason.as_str())).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(told[0].0, "a name.toml");
        assert_eq!(
            told[1],
            ("broken.toml", "line 1: the key 'titel' is unknown, did you mean 'title'?")
        );
        assert!(shelf.story("night").is_some_and(|s| s.listed && s.path == "t/night"));
        for no in ["broken", "../outside", "outside", "link", "", "night.toml"] {
            assert!(shelf.story(no).is_none(), "{no}");
        }
    }
}
