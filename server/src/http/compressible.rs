//! Which files of the web app get smaller when they are compressed; the build asks, too.

/// By the ending of its name.
pub fn is_compressible(path: &str) -> bool {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    matches!(
        ending,
        "wasm"
            | "js"
            | "mjs"
            | "css"
            | "html"
            | "json"
            | "svg"
            | "txt"
            | "webmanifest"
            | "ttf"
            | "otf"
    )
}
