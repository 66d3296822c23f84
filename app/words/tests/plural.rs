//! Words by number in languages that set more numbers apart than English, as the page would be built with them.

use std::path::Path;
use std::process::Command;

#[allow(dead_code, reason = "the build uses the rest")]
#[path = "../build/plural.rs"]
mod plural;
#[allow(dead_code, reason = "the build uses the rest")]
#[path = "../build/table.rs"]
mod table;
#[path = "../build/write.rs"]
mod write;

use plural::Plural;
use table::Table;

const POLISH: &str = r#"
one = "i = 1 and v = 0 @integer 1"
few = "v = 0 and i % 10 = 2..4 and i % 100 != 12..14"
many = "v = 0 and i != 1 and i % 10 = 0..1 or v = 0 and i % 10 = 5..9 or v = 0 and i % 100 = 12..14"
"#;
const ARABIC: &str = r#"
zero = "n = 0"
one = "n = 1"
two = "n = 2"
few = "n % 100 = 3..10"
many = "n % 100 = 11..99"
"#;

/// A folder with one file of texts.
fn folder(at: &Path, plural: &str, texts: &str) {
    std::fs::create_dir_all(at).expect("a folder");
    std::fs::write(at.join("plural.toml"), plural).expect("rules");
    std::fs::write(at.join("page.toml"), texts).expect("texts");
}

fn read(at: &Path) -> Result<Table, String> {
    Table::read(at, &Plural::read(&at.join("plural.toml"))?)
}

/// What a page of these texts shows for some numbers: it is written, compiled and run.
fn shown(name: &str, plural: &str, texts: &str, counts: &[usize]) -> Vec<String> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("plural-{name}"));
    let (english, other) = (scratch.join("en"), scratch.join(name));
    let own = "[files]\nhere = { one = \"1 file in {place}\", other = \"{count} files in {place}\" }\n\
               left = { one = \"1 left\", other = \"{count} left\" }\n";
    folder(&english, "one = \"i = 1 and v = 0\"", own);
    folder(&other, plural, texts);
    let mut table = read(&english).expect("English");
    table.translate(&read(&other).expect("a translation")).expect("the same names");
    let calls: String = counts
        .iter()
        .map(|n| format!("println!(\"{{}}\", page::files::here({n}, \"A\"));\n"))
        .collect();
    let left = "println!(\"{}\", page::files::left(0));";
    let program = format!("{}fn main() {{\n{calls}{left}\n}}\n", write::rust(&table, name));
    let (source, built) = (scratch.join("main.rs"), scratch.join("main"));
    std::fs::write(&source, program).expect("written");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut compile = Command::new(rustc);
    compile.args(["--edition", "2024", "-A", "dead_code", "-o"]).arg(&built).arg(&source);
    let done = compile.output().expect("rustc");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = Command::new(&built).output().expect("it runs").stdout;
    String::from_utf8(said).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn polish_has_words_for_one_for_few_and_for_many() {
    let texts = r#"
        [files]
        here = { one = "1 plik w {place}", few = "{count} pliki w {place}", many = "{count} plików w {place}", other = "{count} pliku w {place}" }
    "#;
    // CLDR's own examples.
    let few = [2, 3, 4, 22, 24, 32, 62, 102, 1002];
    let many = [0, 5, 11, 12, 14, 19, 100, 112, 1000, 1_000_000];
    let counts: Vec<usize> = [1].into_iter().chain(few).chain(many).collect();
    let mut expected = vec!["1 plik w A".to_owned()];
    expected.extend(few.map(|n| format!("{n} pliki w A")));
    expected.extend(many.map(|n| format!("{n} plików w A")));
    // What is not translated counts as English does.
    expected.push("0 left".to_owned());
    assert_eq!(shown("pl", POLISH, texts, &counts), expected);
}

#[test]
fn arabic_has_all_six_forms() {
    let texts = r#"
        [files]
        here = { zero = "Z{place}", one = "O{place}", two = "T{place}", few = "F{place}", many = "M{place}", other = "R{place}" }
        left = { zero = "none", one = "o", two = "t", few = "f", many = "m", other = "r" }
    "#;
    let counts = [0, 1, 2, 3, 10, 11, 26, 99, 100, 102, 103, 111, 1000];
    let forms = ["Z", "O", "T", "F", "F", "M", "M", "M", "R", "R", "F", "M", "R"];
    let mut expected: Vec<String> = forms.iter().map(|form| format!("{form}A")).collect();
    expected.push("none".to_owned());
    assert_eq!(shown("ar", ARABIC, texts, &counts), expected);
}

#[test]
fn a_form_that_is_missing_or_that_the_language_does_not_have_stops_the_build() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plural-wrong");
    for (name, texts, expected) in [
        ("missing", "{ one = \"a\", other = \"b\", many = \"c\" }", "there is no 'few'"),
        ("strange", "{ two = \"a\", other = \"b\" }", "no numbers of the form 'two'"),
    ] {
        let at = scratch.join(name);
        folder(&at, POLISH, &format!("[files]\nhere = {texts}\n"));
        let error = read(&at).err().unwrap_or_default();
        assert!(error.contains(expected) && error.contains("files.here"), "{error}");
    }
    for (rule, expected) in [
        ("one = \"x = 1\"", "one: 'x = 1' is no relation"),
        ("one = \"i is 1\"", "is no relation"),
        ("one = \"i = 1..\"", "'' is no whole number"),
        ("some = \"i = 1\"", "'some' is no form"),
        ("one = 1", "write the rule as"),
    ] {
        let error = Plural::parse(rule).err().unwrap_or_default();
        assert!(error.contains(expected), "{rule}: {error}");
    }
}
