//! The script by which the running program fetches its parts.

use std::collections::BTreeMap;

/// What does not depend on how the program was cut.
const LOADER: &str = include_str!("fetching.js");

/// The script: for each part the files that it is made of, those that it shares with others first.
pub fn script(parts: &BTreeMap<&str, Vec<String>>) -> String {
    let mut script = LOADER.to_owned();
    for (part, files) in parts {
        let files: Vec<String> = files.iter().map(|file| format!("\"./{file}\"")).collect();
        // The name is the one that `wasm_split_macros` imports.
        script += &format!("export const __wasm_split_load_{part} = part({});\n", files.join(", "));
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_names_its_files_in_a_form_that_an_exported_story_finds() {
        let files =
            vec!["spyhop-chunk-1-0f.wasm".to_owned(), "spyhop-split-pages-0f.wasm".to_owned()];
        let made = script(&BTreeMap::from([("pages", files)]));
        let expected = "export const __wasm_split_load_pages = \
                        part(\"./spyhop-chunk-1-0f.wasm\", \"./spyhop-split-pages-0f.wasm\");\n";
        assert!(made.ends_with(expected));
    }
}
