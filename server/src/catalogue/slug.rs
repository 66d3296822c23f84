//! The id of a deployment: its folder's path in letters that an address can hold.

/// The id of a folder of a place; `own_name` is the place's, for recordings that lie in the place
/// itself. The same path has the same id on every machine, and two paths never share one.
pub fn slug(folder: &str, own_name: &str) -> String {
    let path = if folder.is_empty() { own_name } else { folder };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let parts: Vec<String> = path
        .split('/')
        .map(|part| part.chars().map(|c| if fits(c) { c } else { '-' }).collect())
        .collect();
    let text = parts.join("~");
    // A path made of dots would lead elsewhere in an address.
    if text.replace('~', "/") == path && text != "." && text != ".." {
        return text;
    }
    marked(text.trim_matches('.'), path)
}

/// An id that is taken already, told apart by what else is known of its place.
pub fn marked(slug: &str, of: &str) -> String {
    let hash = blake3::hash(of.as_bytes()).to_hex();
    format!("{slug}~{}", &hash.as_str()[..8])
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn an_id_stands_in_an_address_as_it_is_and_no_two_folders_share_one() {
        assert_eq!(slug("night", "x"), "night");
        assert_eq!(slug("2013/sbnms_ch10", "x"), "2013~sbnms_ch10");
        assert_eq!(slug("", "recorder"), "recorder");
        let mut seen = Vec::new();
        for folder in ["a b", "a-b", "a/b", "a~b", "å", "..", ".", "a b/c", "北", "南"] {
            let id = slug(folder, "x");
            assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)), "{id}");
            assert!(!matches!(id.as_str(), "." | ".."));
            assert!(!seen.contains(&id), "{folder}: {id}");
            seen.push(id);
        }
    }
}
