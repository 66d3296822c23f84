//! The networks that come with the program, in the program.

use spyhop_model::MemoryFiles;

/// A network's files by their names.
type Files = [(&'static str, &'static [u8]); 5];

/// By the names that they are asked for by. `make train-upcall-small` makes the first again.
const CARRIED: [(&str, Files); 1] = [(
    "upcall-small",
    [
        ("config.json", include_bytes!("../../models/upcall-small/config.json")),
        (
            "preprocessor_config.json",
            include_bytes!("../../models/upcall-small/preprocessor_config.json"),
        ),
        ("model.safetensors", include_bytes!("../../models/upcall-small/model.safetensors")),
        ("learned_from.csv", include_bytes!("../../models/upcall-small/learned_from.csv")),
        ("spyhop-model.toml", include_bytes!("../../models/upcall-small/spyhop-model.toml")),
    ],
)];

/// Their names, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    CARRIED.iter().map(|(name, _)| *name)
}

/// One of them.
pub fn model(name: &str) -> Option<MemoryFiles> {
    let (name, files) = CARRIED.iter().find(|(carried, _)| *carried == name)?;
    let files = files.iter().map(|(file, bytes)| ((*file).to_owned(), bytes.to_vec())).collect();
    Some(MemoryFiles { place: (*name).to_owned(), files })
}
