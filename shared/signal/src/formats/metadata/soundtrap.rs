//! SoundTrap's sidecar `NAME.log.xml`: the true UTC start of each file that its chains wrote.

use spyhop_api::StartSource;

use crate::formats::opening::Opening;
use crate::formats::start::from_iso;

/// Bytes of a sidecar that are looked at.
const MAX_BYTES: usize = 1 << 20;

/// Takes the start from the sidecar that belongs to the file, if one was given.
pub(crate) fn read(opening: &mut Opening<'_>) {
    let options = opening.options;
    let (stem, suffix) = stem_and_suffix(opening.name);
    for sidecar in &options.sidecars {
        if !sidecar.name.strip_suffix(".log.xml").is_some_and(|s| s.eq_ignore_ascii_case(stem)) {
            continue;
        }
        let bytes = &sidecar.bytes[..sidecar.bytes.len().min(MAX_BYTES)];
        let xml = String::from_utf8_lossy(bytes);
        let Some(utc) = start_of_chain(&xml, suffix) else {
            opening
                .warn(format!("no start time of this file stands in its sidecar {}", sidecar.name));
            continue;
        };
        // The sidecar's own name for the value says that it is UTC.
        opening.starts.extend(from_iso(&format!("{utc}Z"), StartSource::Sidecar, None));
        opening.note("SamplingStartTimeUTC", utc);
        if let Some(hardware) = element(&xml, "HARDWARE_ID") {
            opening.note("HARDWARE_ID", hardware);
        }
    }
}

/// `67416073.210610033655.wav` has the stem `67416073.210610033655` and the suffix `wav`. FLAC files
/// are made of what the chain wrote as WAV.
fn stem_and_suffix(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, suffix)) if suffix.eq_ignore_ascii_case("flac") => (stem, "wav"),
        Some((stem, suffix)) => (stem, suffix),
        None => (name, ""),
    }
}

/// The start that belongs to files with `suffix`: of the processing chain whose `CFG` names that
/// suffix, or of the first chain where none does.
fn start_of_chain<'x>(xml: &'x str, suffix: &str) -> Option<&'x str> {
    let chain = blocks(xml, "CFG")
        .find(|(_, body)| element(body, "SUFFIX").is_some_and(|s| s.eq_ignore_ascii_case(suffix)))
        .and_then(|(head, _)| attribute(head, "ID"));
    let start = |(_, body): (&'x str, &'x str)| attribute(body, "SamplingStartTimeUTC");
    let events = || blocks(xml, "PROC_EVENT");
    events()
        .filter(|(head, _)| chain.is_some() && attribute(head, "ID") == chain)
        .find_map(start)
        .or_else(|| events().find_map(start))
        .or_else(|| attribute(xml, "SamplingStartTimeUTC"))
}

/// All `<NAME …>…</NAME>`: what stands in the opening tag, and between the tags.
fn blocks<'x>(xml: &'x str, name: &'x str) -> impl Iterator<Item = (&'x str, &'x str)> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(open.as_str())?;
        let (block, next) = after.split_once(close.as_str())?;
        rest = next;
        block.split_once('>')
    })
}

fn element<'x>(xml: &'x str, name: &'x str) -> Option<&'x str> {
    blocks(xml, name).next().map(|(_, body)| body.trim())
}

fn attribute<'x>(text: &'x str, name: &str) -> Option<&'x str> {
    let (_, after) = text.split_once(&format!("{name}=\""))?;
    after.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_CHAINS: &str = r#"<ST><CFG ID="4" FTYPE="wav"><SUFFIX> wav </SUFFIX></CFG>
        <CFG ID="12" FTYPE="wav"><SUFFIX> dwv </SUFFIX></CFG>
        <PROC_EVENT ID="12"><WavFileHandler SamplingStartTimeUTC="2021-06-10T03:36:55"/></PROC_EVENT>
        <PROC_EVENT ID="4"><WavFileHandler SamplingStartTimeLocal="x"/></PROC_EVENT>
        <PROC_EVENT ID="4"><WavFileHandler SamplingStartTimeUTC="2021-06-10T03:36:54"/></PROC_EVENT></ST>"#;

    #[test]
    fn the_chain_that_wrote_the_file_gives_the_start() {
        assert_eq!(start_of_chain(TWO_CHAINS, "wav"), Some("2021-06-10T03:36:54"));
        assert_eq!(start_of_chain(TWO_CHAINS, "dwv"), Some("2021-06-10T03:36:55"));
    }

    #[test]
    fn a_broken_sidecar_gives_nothing() {
        for xml in ["", "<CFG", "<PROC_EVENT ID=\"1\">", "<CFG ID=\"1\"><SUFFIX>wav</CFG>"] {
            assert_eq!(start_of_chain(xml, "wav"), None);
        }
        assert_eq!(start_of_chain(&TWO_CHAINS[..150], "wav"), None);
    }
}
