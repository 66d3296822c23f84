//! The sections of a WebAssembly module.

use anyhow::{Context, ensure};

const MAGIC: &[u8] = b"\0asm\x01\0\0\0";
/// A section that means nothing to the machine.
const CUSTOM: u8 = 0;

/// A module without its custom sections: names and compilers' marks, which nobody reads in a browser.
///
/// # Errors
/// When it is no module, or ends within a section.
pub fn bare(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    ensure!(module.starts_with(MAGIC), "it is no WebAssembly module");
    let mut out = MAGIC.to_vec();
    let mut rest = &module[MAGIC.len()..];
    while let [kind, after @ ..] = rest {
        let (length, digits) = unsigned(after).context("a section has no length")?;
        let whole = 1 + digits + length;
        let section = rest.get(..whole).context("a section is longer than the file")?;
        if *kind != CUSTOM {
            out.extend_from_slice(section);
        }
        rest = &rest[whole..];
    }
    Ok(out)
}

/// A number of 32 bits, seven a byte, and how many bytes it takes.
fn unsigned(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A type section of one function type, `[] -> []`.
    const TYPES: [u8; 6] = [1, 4, 1, 0x60, 0, 0];

    #[test]
    fn names_go_and_what_the_machine_needs_stays() {
        let names = [0u8, 5, 4, b'n', b'a', b'm', b'e'];
        let module = [MAGIC, &names, &TYPES, &names].concat();
        assert_eq!(bare(&module).ok(), Some([MAGIC, &TYPES].concat()));
    }

    #[test]
    fn what_is_no_module_and_what_is_cut_off_is_refused() {
        assert!(bare(b"<!doctype html>").is_err());
        let module = [MAGIC, &TYPES].concat();
        assert!(bare(&module[..module.len() - 1]).is_err());
        assert!(bare(&[MAGIC, &[1, 0x80]].concat()).is_err());
    }
}
